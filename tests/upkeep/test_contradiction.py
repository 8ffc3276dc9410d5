"""What counts as a contradiction between a sidecar and the catalog at one version, and what is only behind."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.archive.sidecar_reader import SidecarRead
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived, deleted
from service.domain.image import Image, ImageFormat
from service.domain.task import Check, Rank, Task, TaskStatus
from service.upkeep.contradiction import differences, knows_more

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
STORED = Stored("evolink/2026/05/01/task-1/0-aaaaaaaaaaaa.png", "a" * 64, 9, Image(ImageFormat.PNG, 3, 2))
OTHER = replace(STORED, sha256="b" * 64)
TASK = Task(
    "task-1", "evolink", NOW, status=TaskStatus.COMPLETED, archive_date=date(2026, 5, 1), settled_at=NOW, version=2
)
OPEN = replace(TASK, settled_at=None)
WAITING = Asset("task-1", 0, ("https://files.evolink.ai/0.png",), NOW, NOW)
ARCHIVED = archived(WAITING, STORED, now=NOW)
DEAD = replace(WAITING, status=AssetStatus.DEAD, reason=AssetReason.UNREACHABLE)


def told(task: Task = TASK, *assets: Asset) -> SidecarRead:
    return SidecarRead(task, assets or (ARCHIVED,), (), ())


def known(task: Task = TASK, *assets: Asset) -> TaskState:
    return TaskState(task, assets or (ARCHIVED,))


def test_equal_ones_do_not_contradict_each_other() -> None:
    assert differences(told(), known()) == []


def test_bookkeeping_does_not_contradict() -> None:
    task = replace(TASK, check=Check(at=NOW), callback_rank=Rank.FAILED, expected_images=3, stranger=True)
    asset = replace(ARCHIVED, attempts=7, revivals=2, detail="then", next_attempt_at=NOW, purged=True)
    assert differences(told(), known(replace(task, sidecar_version=2), asset)) == []


def test_white_space_around_the_providers_text_does_not_contradict() -> None:
    assert differences(told(replace(TASK, provider_json="{}")), known(replace(TASK, provider_json="{}\n"))) == []


def test_while_others_wait_an_image_may_be_archived_that_the_sidecar_shows_waiting() -> None:
    """A version moves on when the last image has had its turn, not with each."""
    second = replace(WAITING, index=1)
    assert differences(told(OPEN, WAITING, second), known(OPEN, ARCHIVED, second)) == []
    assert differences(told(OPEN, WAITING, second), known(OPEN, DEAD, second)) == []


@pytest.mark.parametrize("row", [WAITING, DEAD, archived(WAITING, OTHER, now=NOW)])
def test_while_others_wait_an_image_that_was_archived_is(row: Asset) -> None:
    assert differences(told(OPEN, ARCHIVED), known(OPEN, row))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (archived(WAITING, OTHER, now=NOW), "assets[0].stored"),
        (DEAD, "assets[0].status"),
        (replace(ARCHIVED, links=("https://files.evolink.ai/9.png",)), "assets[0].links"),
        (replace(ARCHIVED, reason=AssetReason.REFUTED), "assets[0].reason"),
    ],
)
def test_of_a_settled_task_every_image_is_compared(row: Asset, named: str) -> None:
    assert named in differences(told(), known(TASK, row))


def test_a_settled_task_has_the_same_images_on_both_sides() -> None:
    second = replace(ARCHIVED, index=1)
    assert differences(told(), known(TASK, ARCHIVED, second)) == ["assets"]
    assert "assets[1]" in differences(told(TASK, ARCHIVED, second), known())


def test_bytes_that_came_late_for_a_deleted_image_do_not_contradict() -> None:
    tombstone = deleted(ARCHIVED)
    assert differences(told(TASK, tombstone), known(TASK, replace(tombstone, stored=OTHER))) == []


@pytest.mark.parametrize(
    ("row", "more"), [(ARCHIVED, False), (deleted(ARCHIVED), False), (WAITING, True), (DEAD, True)]
)
def test_a_sidecar_knows_more_when_it_tells_of_an_image_that_the_catalog_lacks(row: Asset, more: bool) -> None:
    assert knows_more(told(), known(TASK, row)) is more
    assert knows_more(told(TASK, DEAD), known(TASK, row)) is False


def test_a_sidecar_knows_more_when_it_tells_of_more_images() -> None:
    assert knows_more(told(TASK, ARCHIVED, replace(ARCHIVED, index=1)), known())

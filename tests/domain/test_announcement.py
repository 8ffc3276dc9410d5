"""What a task's state tells: once, by the same id wherever it is looked at."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.domain.announcement import KEPT, Announcement, EventKind, Listener, announcements, tellable
from service.domain.asset import Asset, AssetReason, AssetStatus
from service.domain.task import Task, TaskStatus
from tests.support.deliveries import LINK, NOW, TASK

LATER = NOW + timedelta(minutes=3)
RUNNING = Task(id=TASK, source="evolink", received_at=NOW, status=TaskStatus.PROCESSING)
SETTLED = replace(RUNNING, status=TaskStatus.COMPLETED, settled_at=NOW + timedelta(minutes=2))


def asset(index: int = 0, status: AssetStatus = AssetStatus.ARCHIVED, **members: Any) -> Asset:
    at = NOW + timedelta(minutes=1) if status is AssetStatus.ARCHIVED else None
    return Asset(
        **{
            "task_id": TASK,
            "index": index,
            "links": (LINK,),
            "deadline": NOW,
            "created_at": NOW,
            "status": status,
            "archived_at": at,
            **members,
        }
    )


def told(task: Task, *assets: Asset, now: datetime = LATER) -> list[Announcement]:
    return list(announcements(task, assets, now=now))


def test_a_settled_task_tells_of_each_image_by_index_and_of_itself_last() -> None:
    dead = asset(1, AssetStatus.DEAD, reason=AssetReason.LINK_EXPIRED)
    found = told(SETTLED, asset(0), dead, asset(2, archived_at=NOW))
    assert [(one.kind, one.index, one.at) for one in found] == [
        (EventKind.ASSET_ARCHIVED, 0, NOW + timedelta(minutes=1)),
        (EventKind.ASSET_DEAD, 1, SETTLED.settled_at),
        (EventKind.ASSET_ARCHIVED, 2, NOW),
        (EventKind.TASK_SETTLED, None, SETTLED.settled_at),
    ]
    assert len({one.id for one in found}) == 4
    assert {one.task_id for one in found} == {TASK}


def test_the_ids_stay_what_they_are_or_everybody_would_be_told_anew_by_the_next_version() -> None:
    dead = asset(1, AssetStatus.DEAD, reason=AssetReason.LINK_EXPIRED, attempts=3, revivals=1)
    found = told(SETTLED, asset(0), dead, asset(2, archived_at=None))
    assert [one.id for one in found] == [
        "evt_15d1d80a124768788be69d3086dcfc08",
        "evt_37d35c3df719b0921d850816eb6a7bdb",
        "evt_b88c11568256ec0c1f9da1f04020ddf2",
        "evt_f020f329abaccc787fcf563521abf3db",
    ]


@pytest.mark.parametrize("status", [AssetStatus.PENDING, AssetStatus.DELETED])
def test_what_is_on_its_way_or_deleted_is_told_to_nobody(status: AssetStatus) -> None:
    assert told(RUNNING, asset(0, status)) == []


def test_an_archived_image_that_the_provider_does_not_know_is_told_to_nobody() -> None:
    assert told(RUNNING, asset(reason=AssetReason.REFUTED)) == []
    [one] = told(RUNNING, asset(0, AssetStatus.DEAD, reason=AssetReason.REFUTED))
    assert one.kind is EventKind.ASSET_DEAD


def test_the_same_state_tells_the_same_events_whenever_it_is_looked_at() -> None:
    dead = asset(1, AssetStatus.DEAD)
    first, again = (told(SETTLED, asset(), dead, now=now) for now in (LATER, LATER + timedelta(days=9)))
    assert first == again
    changed = replace(SETTLED, ref="renamed", version=9, confirmed=True)
    assert told(changed, asset(detail="x"), replace(dead, reason=AssetReason.REFUTED)) == first


def test_ids_are_of_letters_and_digits_and_fit_any_header() -> None:
    for one in told(SETTLED, asset(), asset(1, AssetStatus.DEAD)):
        assert one.id.startswith("evt_")
        assert one.id.removeprefix("evt_").isalnum()
        assert len(one.id) == 36


def test_other_tasks_sources_and_images_have_events_of_their_own() -> None:
    states = [
        (SETTLED, asset()),
        (SETTLED, asset(1)),
        (replace(SETTLED, id="task-other"), asset()),
        (replace(SETTLED, source="other"), asset()),
    ]
    ids = {one.id for task, image in states for one in told(task, image)}
    assert len(ids) == 4 + 3


def test_an_image_that_dies_again_after_it_was_revived_is_told_again() -> None:
    deaths = [
        asset(0, AssetStatus.DEAD, attempts=5),
        asset(0, AssetStatus.DEAD, attempts=4, revivals=1),
        asset(0, AssetStatus.DEAD, attempts=6, revivals=1),
    ]
    assert len({told(RUNNING, one)[0].id for one in deaths}) == 3


def test_an_image_that_was_lost_and_fetched_anew_is_told_again() -> None:
    first, lost, again = (
        told(SETTLED, one)[0]
        for one in (
            asset(attempts=1),
            asset(0, AssetStatus.DEAD, attempts=1, reason=AssetReason.LOST),
            asset(attempts=2, archived_at=LATER),
        )
    )
    assert [one.kind for one in (first, lost, again)] == ["asset.archived", "asset.dead", "asset.archived"]
    assert len({first.id, lost.id, again.id}) == 3


def test_an_image_lost_out_of_a_task_that_settled_long_ago_died_now() -> None:
    lost = asset(0, AssetStatus.DEAD, reason=AssetReason.LOST)
    much_later = LATER + timedelta(days=400)
    [death, _] = told(SETTLED, lost, now=much_later)
    assert death.at == much_later
    [death, _] = told(SETTLED, replace(lost, reason=AssetReason.UNREACHABLE), now=much_later)
    assert death.at == SETTLED.settled_at


def test_a_task_that_settles_anew_or_to_another_end_is_told_again() -> None:
    anew = replace(SETTLED, settled_at=LATER)
    refuted = replace(SETTLED, status=TaskStatus.FAILED, conflict=True)
    ids = {told(one)[0].id for one in (SETTLED, anew, refuted)}
    assert len(ids) == 3


def test_an_endpoint_hears_of_what_it_wants_and_of_nothing_from_before_it_was_there() -> None:
    listener = Listener("shop", frozenset({EventKind.TASK_SETTLED}), since=NOW)
    [archived, settled] = told(SETTLED, asset())
    assert not listener.wants(archived)
    assert listener.wants(settled)
    assert listener.wants(replace(settled, at=NOW))
    assert not listener.wants(replace(settled, at=NOW - timedelta(microseconds=1)))


def test_what_may_have_been_told_and_forgotten_is_not_told() -> None:
    [settled] = told(SETTLED)
    assert tellable(settled, settled.at + KEPT)
    assert not tellable(settled, settled.at + KEPT + timedelta(microseconds=1))

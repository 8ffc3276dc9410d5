"""`darkroom hold`, `release`, `retention` and `sweep`: what they print, change and refuse."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.upkeep.retention import REACHED
from tests.support.archived import archived_task
from tests.support.commands import Run, commands_in
from tests.support.migrated import put_migrated
from tests.upkeep.kept_archive import opened_archive

RULES = json.dumps([{"name": "drafts", "tag": "stage=draft", "max_age": "30d"}, {"name": "room", "max_bytes": "1 KiB"}])
LONG_AGO = datetime.now(UTC) - timedelta(days=31)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    put_migrated(tmp_path / "data" / "darkroom.db")
    states = [
        archived_task("task-draft", at=LONG_AGO, sizes=(300, 400), tags={"stage": "draft"}),
        archived_task("task-final", at=LONG_AGO + timedelta(hours=1), sizes=(500,)),
        archived_task("task-new", at=datetime.now(UTC), sizes=(1,)),
    ]
    with closing(Catalog(tmp_path / "data" / "darkroom.db")) as catalog:
        catalog.open()
        asyncio.run(catalog.write(lambda tx: tx.tasks.save([(None, state) for state in states])))
    with commands_in(tmp_path, RETENTION__RULES=RULES) as commands:
        yield commands


def test_a_dry_run_tells_every_image_with_its_rule_and_deletes_nothing(run: Run) -> None:
    for _ in range(2):
        result = run("retention", "--dry-run")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.splitlines() == [
            "drafts: task-draft.0: older than 30 days",
            "drafts: task-draft.1: older than 30 days",
            "room: task-draft.0: more than 1024 bytes",
            "drafts: 2 images, 0.0 MiB would be deleted",
            "room: 1 images, 0.0 MiB would be deleted",
        ]


def test_a_pass_deletes_what_is_over_and_the_next_finds_nothing(run: Run) -> None:
    first = json.loads(run("retention", "--json").stdout)
    assert [one["asset_id"] for one in first["images"]] == ["task-draft.0", "task-draft.1"]
    assert first["rules"] == {"drafts": {"images": 2, "bytes": 700}, "room": {"images": 0, "bytes": 0}}
    assert json.loads(run("retention", "--json").stdout)["images"] == []


def test_it_says_where_the_clock_is_not_believed(run: Run, tmp_path: Path) -> None:
    with closing(Catalog(tmp_path / "data" / "darkroom.db")) as catalog:
        catalog.open()
        asyncio.run(catalog.write(lambda tx: tx.marks.set(REACHED, LONG_AGO)))
    result = run("retention", "--dry-run", "--rule", "drafts")
    assert result.stdout == "drafts: 0 images, 0.0 MiB would be deleted\n"
    assert "each pass believes the clock a day further" in result.stderr


def test_one_rule_alone_can_be_gone_by_and_an_unknown_one_is_refused(run: Run) -> None:
    only = json.loads(run("retention", "--rule", "room", "--json").stdout)
    assert [one["asset_id"] for one in only["images"]] == ["task-draft.0"]
    wrong = run("retention", "--rule", "rooms")
    assert wrong.exit_code == 2
    assert "drafts, room" in wrong.output


def test_without_rules_it_says_that_everything_is_kept(tmp_path: Path) -> None:
    put_migrated(tmp_path / "data" / "darkroom.db")
    with commands_in(tmp_path) as run:
        result = run("retention")
        assert (result.exit_code, "everything is kept" in result.stderr) == (2, True)


def test_a_held_task_is_kept_until_it_is_released(run: Run) -> None:
    assert run("hold", "task-draft", "task-final", "--reason", "claim 7").stdout.splitlines() == [
        "task-draft: held",
        "task-final: held",
    ]
    assert json.loads(run("retention", "--json").stdout)["images"] == []
    assert json.loads(run("release", "task-draft", "--json").stdout) == {"id": "task-draft", "held": False}
    assert len(json.loads(run("retention", "--json").stdout)["images"]) == 2


def test_a_hold_on_an_unknown_task_is_one_line(run: Run) -> None:
    result = run("hold", "task-none")
    assert result.exit_code == 1
    assert "no such task" in result.stderr


def test_a_sweep_tells_what_it_removes_and_where_nothing_is_says_so(tmp_path: Path) -> None:
    put_migrated(tmp_path / "data" / "darkroom.db")

    async def keep(catalog: Catalog) -> str:
        archive = opened_archive(tmp_path / "data", catalog)
        await archive.keep()
        return f"{await archive.home()}/0-{'0' * 12}.png"

    with closing(Catalog(tmp_path / "data" / "darkroom.db")) as catalog:
        catalog.open()
        key = asyncio.run(keep(catalog))
    orphan = tmp_path / "data" / "archive" / key
    orphan.write_bytes(b"orphan")
    with commands_in(tmp_path) as run:
        told = run("sweep", "--dry-run")
        assert told.stdout.splitlines() == [
            f"{key}: not the bytes that were archived under this number",
            "1 orphans of 3 files, 0.0 MiB, would be removed",
        ]
        assert orphan.exists()
        assert json.loads(run("sweep", "--json").stdout)["removed"] == 1
        assert not orphan.exists()
        assert run("sweep").stdout == "0 orphans of 2 files, 0.0 MiB, removed\n"

"""A run that was interrupted goes on where it was, with what it had found; a store that goes away ends it clearly."""

from contextlib import suppress
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.errors import Conflict, StorageUnavailable
from service.upkeep import verify
from service.upkeep.findings import Finding, Kind
from service.upkeep.journal import Journal, Phase, Position, open_journal
from service.upkeep.row_check import Seen
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import Archive

TASKS = 220
BROKEN = (3, 110, 218)
"""One on each page of rows."""


class Watched(MemoryStore):
    """A store that goes away at a certain object, and remembers what was read."""

    def __init__(self, staging: Path) -> None:
        super().__init__(staging, ill=self._is_gone)
        self.gone_at = ""
        self.is_gone = False
        self.read_keys: list[str] = []

    def _is_gone(self, verb: str, key: str) -> str | None:
        if verb == "read":
            self.read_keys.append(key)
        self.is_gone = self.is_gone or (self.gone_at != "" and key.startswith(self.gone_at))
        return "the archive cannot be used: it is gone" if self.is_gone else None

    def comes_back(self) -> None:
        self.gone_at, self.is_gone = "", False
        self.read_keys.clear()


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
async def damaged(tmp_path: Path, catalog: Catalog, store: Watched) -> Archive:
    archive = Archive(tmp_path, catalog, store)
    await archive.keep(*(f"task-{number:03}" for number in range(TASKS)))
    for number in BROKEN:
        del store.objects[await archive.key(0, f"task-{number:03}")]
    return archive


@pytest.mark.long
async def test_it_goes_on_after_the_last_whole_page(damaged: Archive, store: Watched) -> None:
    assert verify.TASKS_TOGETHER * 2 < TASKS, "the interruption lies on the third page"
    store.gone_at = await damaged.home("task-205")
    with pytest.raises(StorageUnavailable, match="gone"):
        await damaged.verify()
    store.comes_back()
    report = await damaged.verify(resume=True)
    assert [finding.task_id for finding in report.findings] == [f"task-{number:03}" for number in BROKEN]
    assert (report.seen.tasks, report.seen.images) == (TASKS, TASKS)
    assert not any("task-000" in key or "task-150" in key for key in store.read_keys), "read again"
    assert any("task-205" in key for key in store.read_keys)


@pytest.mark.long
async def test_it_goes_on_among_the_files(damaged: Archive, store: Watched) -> None:
    store.objects[f"{await damaged.home('task-001')}/7-{'a' * 12}.png"] = b"stray"
    store.objects["zz/stray"] = b"stray"

    def power_cut(finding: Finding) -> None:
        if finding.key == "zz/stray":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await damaged.verify(found=power_cut)
    store.comes_back()
    report = await damaged.verify(resume=True)
    assert sorted(report.kinds) == sorted([Kind.MISSING] * 3 + [Kind.LEFTOVER, Kind.UNKNOWN_FILE])
    assert report.seen.files == len(store.objects)
    assert store.read_keys == []


@pytest.mark.long
async def test_a_run_that_came_to_its_end_leaves_nothing_to_resume(damaged: Archive) -> None:
    await damaged.verify()
    assert not (damaged.folder / "journal").exists()
    with pytest.raises(Conflict, match="without --resume"):
        await damaged.verify(resume=True)


def begun(path: Path, *findings: Finding) -> None:
    """A run that found something on its first page and was killed on its second."""
    with suppress(KeyboardInterrupt), open_journal(path, resume=False, quick=False) as journal:
        journal.note(findings, Position(Phase.ROWS, "50", Seen(tasks=50)))
        raise KeyboardInterrupt


def resumed(path: Path) -> tuple[Position, list[Finding]]:
    found: list[Finding] = []
    with open_journal(path, resume=True, quick=False, found=found.append) as journal:
        return journal.position, found


FOUND = Finding(Kind.MISSING, "a/b", "it is not there", "task-1", 0, done="pending")


def test_what_was_being_written_at_the_kill_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    begun(path, FOUND)
    with path.open("ab") as file:
        file.write(
            b'{"finding": {"kind": "missing", "key": "c", "detail": "", "task_id": "t", "index": 0, "done": ""}}\n'
        )
        file.write(b'{"finding": {"kind": "missing", "key": "d", "detail": ')
    found: list[Finding] = []
    with (
        suppress(KeyboardInterrupt),
        open_journal(path, resume=True, quick=False, found=found.append) as journal,
    ):
        journal.note([], Position(Phase.ROWS, "60"))
        raise KeyboardInterrupt
    assert found == [FOUND]
    assert resumed(path) == (Position(Phase.ROWS, "60"), [FOUND])


def test_a_journal_can_be_interrupted_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    begun(path, FOUND)
    for number in (51, 52):
        with suppress(KeyboardInterrupt), open_journal(path, resume=True, quick=False) as journal:
            journal.note([FOUND], Position(Phase.ROWS, str(number)))
            raise KeyboardInterrupt
    assert resumed(path) == (Position(Phase.ROWS, "52"), [FOUND] * 3)


def test_a_quick_run_is_not_gone_on_with_as_a_thorough_one(tmp_path: Path) -> None:
    begun(tmp_path / "journal")
    with pytest.raises(Conflict), open_journal(tmp_path / "journal", resume=True, quick=True):
        pass
    assert resumed(tmp_path / "journal")[0].after == "50", "and it is still there"


def test_a_new_run_forgets_the_interrupted_one(tmp_path: Path) -> None:
    begun(tmp_path / "journal", FOUND)
    with open_journal(tmp_path / "journal", resume=False, quick=False) as journal:
        assert journal.position == Position()
    assert not (tmp_path / "journal").exists()


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    def second() -> Journal:
        with open_journal(tmp_path / "journal", resume=False, quick=False) as journal:
            return journal

    with open_journal(tmp_path / "journal", resume=False, quick=False), pytest.raises(Conflict, match="at work"):
        second()

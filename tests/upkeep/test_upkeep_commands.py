"""`darkroom verify` and `darkroom rebuild` as commands: what they print, and the exit code."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from service.catalog.catalog import Catalog
from service.cli.findings import Told
from service.cli.upkeep import JOURNAL
from service.server_lock import server_lock
from service.upkeep.findings import TO_VERIFY, Finding, Kind
from tests.support.commands import Run
from tests.support.deliveries import TASK
from tests.upkeep.kept_archive import Archive, opened_archive

FOUND = Finding(Kind.MISSING, "a/b", "archived, and not there", "task-1", 0, done="pending")


def with_archive(tmp_path: Path, work: Callable[[Archive], Awaitable[Any]]) -> Any:
    """Work on the archive of the data directory, and close it."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    catalog = Catalog(data / "darkroom.db")
    catalog.open()
    catalog.upgrade()

    async def worked() -> Any:
        return await work(opened_archive(data, catalog))

    try:
        return asyncio.run(worked())
    finally:
        catalog.close()


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The key of the one archived image."""

    async def keep(archive: Archive) -> str:
        await archive.keep()
        return await archive.key()

    made: str = with_archive(tmp_path, keep)
    return made


def one_line(result: Result) -> str:
    [line] = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    return line


def forget_database(tmp_path: Path) -> None:
    for path in (tmp_path / "data").glob("darkroom.db*"):
        path.unlink()


def flip_a_byte(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[20] ^= 1
    path.write_bytes(whole)


def test_a_sound_archive_ends_with_0_and_says_how_much_was_looked_at(run: Run, key: str) -> None:
    result = run("verify")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 tasks, 1 images" in result.stdout
    assert "all is well" in result.stdout


def test_damage_ends_with_1_and_is_named_with_what_to_do(run: Run, key: str, tmp_path: Path) -> None:
    flip_a_byte(tmp_path / "data" / "archive" / key)
    result = run("verify", "--task", TASK)
    assert result.exit_code == 1
    assert f"wrong_hash: {key}" in result.stdout
    assert "backup" in result.stdout
    assert "all is well" not in result.stdout


def test_json_is_one_document(run: Run, key: str, tmp_path: Path) -> None:
    sound = json.loads(run("verify", "--json").stdout)
    assert (sound["findings"], sound["ok"], sound["error"]) == ([], True, None)
    flip_a_byte(tmp_path / "data" / "archive" / key)
    (tmp_path / "data" / "archive" / "stray").touch()
    result = run("verify", "--json", "--repair")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (1, False)
    assert document["found"] == {"wrong_hash": 1, "unknown_file": 1}
    first, second = document["findings"]
    assert (first["kind"], first["key"], first["asset_id"]) == ("wrong_hash", key, f"{TASK}.0")
    assert (first["done"], second["done"]) == ("pending: it is fetched again", None)
    assert document["looked_at"]["images"] == 1


def test_a_name_cannot_talk_to_the_terminal(run: Run, key: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "archive" / "\x1b[31mred\n").touch()
    result = run("verify")
    assert "\x1b" not in result.stdout
    assert "x1b[31mred" in result.stdout


def test_verifying_makes_no_database_and_no_archive(run: Run, tmp_path: Path) -> None:
    result = run("verify")
    assert result.exit_code == 2
    assert "darkroom rebuild" in one_line(result)
    assert not (tmp_path / "data").exists()


def test_a_store_that_is_gone_ends_with_1_and_says_so(run: Run, key: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "archive").rename(tmp_path / "data" / "elsewhere")
    result = run("verify", "--repair")
    assert result.exit_code == 1
    assert "mount or restore it" in one_line(result)
    assert (tmp_path / "data" / JOURNAL).exists(), "it can be gone on with"
    as_json = run("verify", "--json", "--resume")
    document = json.loads(as_json.stdout)
    assert (as_json.exit_code, document["ok"]) == (1, False)
    assert "mount or restore it" in document["error"]


def test_there_is_nothing_to_resume_unless_something_was_interrupted(run: Run, key: str) -> None:
    assert "without --resume" in one_line(run("verify", "--resume"))
    assert run("verify", "--resume", "--task", TASK).exit_code == 2


def test_a_task_that_is_not_known_ends_with_1(run: Run, key: str) -> None:
    result = run("verify", "--task", "task-none")
    assert result.exit_code == 1
    assert "task-none" in one_line(result)


def test_an_interrupted_run_ends_its_report_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        told = Told(TO_VERIFY, as_json=True)
        with told.until_the_end(lambda: {"looked_at": {}}, hint="; go on"):
            told.found(FOUND)
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        work()
    printed = capsys.readouterr()
    assert ended.value.code == 130
    assert "interrupted; go on" in printed.err
    document = json.loads(printed.out)
    assert (len(document["findings"]), document["error"], document["ok"]) == (1, "interrupted", False)


def test_rebuilding_brings_everything_back_and_says_what_it_cannot(run: Run, key: str, tmp_path: Path) -> None:
    forget_database(tmp_path)
    result = run("rebuild", "--verify-bytes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 tasks" in result.stdout
    assert "revoke" in result.stdout
    assert run("verify").exit_code == 0


def test_rebuilding_tells_as_json_too(run: Run, key: str, tmp_path: Path) -> None:
    forget_database(tmp_path)
    (tmp_path / "data" / "archive" / key).unlink()
    result = run("rebuild", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"], document["found"]) == (1, False, {"missing": 1})
    assert (document["rebuilt"]["tasks"], document["rebuilt"]["pending"]) == (1, 1)
    assert len(document["notes"]) > 2
    again = json.loads(run("rebuild", "--json").stdout)
    assert (again["rebuilt"]["tasks"], again["rebuilt"]["there_already"], again["ok"]) == (0, 1, True)


def test_a_database_with_tasks_is_not_rebuilt_into(run: Run, key: str) -> None:
    result = run("rebuild")
    assert result.exit_code == 1
    assert "move it away" in one_line(result)


def test_rebuilding_needs_the_server_stopped(run: Run, key: str, tmp_path: Path) -> None:
    forget_database(tmp_path)
    with server_lock(tmp_path / "data" / "darkroom.db"):
        result = run("rebuild")
    assert result.exit_code == 2
    assert "stop it" in one_line(result)
    assert not (tmp_path / "data" / "darkroom.db").exists()


def test_rebuilding_makes_no_archive(run: Run, tmp_path: Path) -> None:
    result = run("rebuild")
    assert result.exit_code == 2
    assert "no archive" in one_line(result)
    assert not (tmp_path / "data").exists()

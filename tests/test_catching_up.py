"""`darkroom reconcile` and `darkroom retry`: what they print, where, and with which exit code they end."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from service.bootstrap import open_components
from service.catalog.catalog import Catalog
from tests.support.app import settings_for
from tests.support.commands import Run, commands_in
from tests.support.deliveries import RULES, task_object
from tests.support.ledger import Clock, Ledger
from tests.support.loopback_provider import LoopbackProvider, on_loopback, showing

KEY = "sk-evo-0123456789abcdef"
NOWHERE = {"EVOLINK__API_KEY": KEY, "EVOLINK__API_URL": "http://127.0.0.1:1"}
MISSED = {**task_object(task_id="task-missed"), "type": "image"}


def environment(folder: Path, **settings: str) -> dict[str, str]:
    given = {"DATA_DIR": str(folder / "data"), "CALLBACKS__SECRETS": json.dumps(["s" * 40]), **settings}
    return {f"DARKROOM_{name}": value for name, value in given.items()}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with commands_in(tmp_path, CALLBACKS__SECRETS=json.dumps(["s" * 40])) as commands:
        yield commands


def one_line(result: Result) -> str:
    """The one line that an error is told in."""
    assert "Traceback" not in result.output, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    [line] = [line for line in result.stderr.splitlines() if not line.startswith(("{", "20"))]
    return line


def asking(provider: LoopbackProvider) -> dict[str, str]:
    return {"EVOLINK__API_KEY": KEY, "EVOLINK__API_URL": provider.url}


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """A data directory with three tasks that are dead without links, one of them with a reference."""
    (tmp_path / "data").mkdir()
    catalog = Catalog(tmp_path / "data" / "darkroom.db")
    catalog.open()
    catalog.upgrade()
    ledger = Ledger(catalog, Clock(datetime.now(UTC)), RULES)

    async def die() -> None:
        await ledger.tell("task-b", ref="shop")
        for task_id in ("task-a", "task-b", "task-c"):
            await ledger.call_back(task_object(task_id=task_id, results=[]))

    asyncio.run(die())
    catalog.close()
    return tmp_path


def planned(folder: Path) -> set[str]:
    """The tasks that are to be asked about."""
    connection = sqlite3.connect(folder / "data" / "darkroom.db")
    found = {str(row[0]) for row in connection.execute("SELECT id FROM tasks WHERE check_at IS NOT NULL")}
    connection.close()
    return found


@pytest.mark.parametrize("arguments", [["reconcile"], ["reconcile", "--once"], ["reconcile", "--once", "--json"]])
def test_asking_needs_a_key_and_says_which_setting(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "DARKROOM_EVOLINK__API_KEY" in one_line(result)


def test_a_round_finds_what_was_missed_and_asks_about_it(run: Run) -> None:
    with on_loopback(showing(MISSED)) as provider:
        result = run("reconcile", "--once", "--json", **asking(provider))
    assert result.exit_code == 0, result.output
    done: dict[str, Any] = json.loads(result.stdout)
    assert (done["sweep"]["ended"], done["sweep"]["strangers"]) == ("done", 1)
    assert (done["asked"], done["dead"], done["still_due"]) == ({"terminal": 1}, 0, 0)
    assert KEY not in result.output


def test_for_people_a_round_is_told_in_words(run: Run) -> None:
    with on_loopback(showing(MISSED)) as provider:
        first = run("reconcile", "--once", **asking(provider))
        second = run("reconcile", "--once", **asking(provider))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "1 unknown tasks" in first.stdout
    assert "1 terminal" in first.stdout
    assert "nothing was due" in second.stdout


def test_a_provider_that_does_not_answer_ends_with_1_and_one_line_that_says_why(run: Run) -> None:
    result = run("reconcile", "--once", **NOWHERE)
    assert result.exit_code == 1
    assert "connect" in one_line(result).lower()
    document = run("reconcile", "--once", "--json", **NOWHERE)
    assert (document.exit_code, json.loads(document.stdout)["sweep"]["ended"]) == (1, "unreachable")


def test_a_key_that_is_refused_ends_with_1_and_never_shows(run: Run) -> None:
    refuses = (401, {"error": {"code": 401, "message": f"bad key {KEY}"}})
    with on_loopback(LoopbackProvider(lambda _: refuses, lambda: refuses)) as provider:
        result = run("reconcile", "--once", **asking(provider))
    assert result.exit_code == 1
    assert KEY not in result.output
    assert "401" in one_line(result)


def test_a_round_runs_beside_a_server_and_without_the_sweep_where_that_is_off(run: Run, tmp_path: Path) -> None:
    with on_loopback(showing(MISSED)) as provider, open_components(settings_for(tmp_path)):
        result = run("reconcile", "--once", "--json", RECONCILE__SWEEP="off", **asking(provider))
    assert (result.exit_code, json.loads(result.stdout)["sweep"], provider.requests) == (0, None, [])


RECONCILE = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have jobs in the background ignore it
sys.argv = ["darkroom", "reconcile"]
runpy.run_module("service", run_name="__main__")
"""


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_without_once_it_goes_on_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with on_loopback(showing(MISSED)) as provider:
        given = {**os.environ, **environment(tmp_path, **asking(provider))}
        command = [sys.executable, "-c", RECONCILE]
        folder = Path(__file__).parent.parent
        process = subprocess.Popen(
            command, env=given, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert provider.reached.wait(30)
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()
    assert (process.returncode, output) == (code, "")
    assert errors.endswith("interrupted\n") == (number is signal.SIGINT)
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments",
    [[], ["task-a", "--all"], ["--all", "--reason", "no_links"], ["task-a", "--ref", "x"], ["--reason", "boredom"]],
)
def test_what_is_to_be_tried_again_is_named_in_exactly_one_way(run: Run, arguments: list[str]) -> None:
    result = run("retry", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["--all"], {"task-a", "task-b", "task-c"}),
        (["--reason", "no_links"], {"task-a", "task-b", "task-c"}),
        (["--reason", "refuted"], set()),
        (["--ref", "shop"], {"task-b"}),
        (["--ref", "\udcff"], set()),
        (["--model", "gpt-image-2", "--ref", "shop"], {"task-b"}),
        (["task-c", "task-a", "task-c"], {"task-a", "task-c"}),
    ],
)
def test_a_dry_run_names_what_a_run_then_tries_again(
    run: Run, dead: Path, wanted: list[str], expected: set[str]
) -> None:
    dry = run("retry", *wanted, "--dry-run", "--json", **NOWHERE)
    assert (dry.exit_code, set(json.loads(dry.stdout)["would_retry"])) == (0, expected)
    assert planned(dead) == set()
    tried = run("retry", *wanted, "--json", **NOWHERE)
    assert json.loads(tried.stdout) == {"retried": json.loads(dry.stdout)["would_retry"], "refused": {}}
    assert (tried.exit_code, planned(dead)) == (0, expected)


def test_for_people_a_dry_run_is_a_list_of_ids_and_nothing_else_on_standard_output(run: Run, dead: Path) -> None:
    dry = run("retry", "--all", "--dry-run", **NOWHERE)
    assert sorted(dry.stdout.splitlines()) == ["task-a", "task-b", "task-c"]
    assert "3 tasks" in dry.stderr
    assert run("retry", "--all", **NOWHERE).stdout == "3 tasks are tried again\n"


def test_a_task_that_was_named_and_cannot_be_tried_again_ends_with_1_and_the_others_are(run: Run, dead: Path) -> None:
    result = run("retry", "task-a", "task-none", **NOWHERE)
    assert (result.exit_code, result.stdout) == (1, "1 tasks are tried again\n")
    assert "task-none: no such task" in result.stderr
    assert planned(dead) == {"task-a"}
    document = json.loads(run("retry", "task-none", "--json", **NOWHERE).stdout)
    assert document == {"retried": [], "refused": {"task-none": "no such task"}}


def test_without_a_key_what_needs_the_provider_says_so_and_is_left_alone(run: Run, dead: Path) -> None:
    result = run("retry", "--all")
    assert result.stdout == "0 tasks are tried again\n"
    assert result.stderr.count("DARKROOM_EVOLINK__API_KEY") == 3
    assert planned(dead) == set()


def test_a_database_of_another_version_is_left_alone_and_told(run: Run, dead: Path) -> None:
    connection = sqlite3.connect(dead / "data" / "darkroom.db")
    connection.execute("DELETE FROM alembic_version")
    connection.commit()
    connection.close()
    for command in (["reconcile", "--once"], ["retry", "--all"]):
        result = run(*command, **NOWHERE)
        assert result.exit_code == 2
        assert "darkroom migrate" in one_line(result)

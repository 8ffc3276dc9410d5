"""The command line: results on standard output, the rest on standard error, errors as one line and an exit code."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from click.testing import Result

from service.cli import main
from tests.support.app import serving
from tests.support.commands import Run, commands_in
from tests.support.deliveries import TASK, task_object

COMMANDS = {
    *("serve", "callback-url", "register", "reconcile", "retry"),
    *("replay", "revoke", "verify", "rebuild", "copy"),
    *("migrate", "healthcheck", "doctor", "simulator", "submit", "demo", "key"),
}
SECRET = "s" * 40


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with commands_in(
        tmp_path, PUBLIC_URL="https://darkroom.example.com", CALLBACKS__SECRETS=json.dumps([SECRET])
    ) as commands:
        yield commands


def one_line(result: Result) -> str:
    """The one line that an error is told in."""
    assert "Traceback" not in result.output, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    [line] = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    return line


def test_every_command_explains_itself(run: Run) -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    assert set(commands) == COMMANDS == set(main.commands), "a command is not in the list of modules"
    for name, command in commands.items():
        assert command is not None, name
        assert command.help, name
        result = run(name, "--help")
        assert result.exit_code == 0, name
        assert command.help.splitlines()[0] in " ".join(result.stdout.split()), name
        inner = [*command.commands.values()] if isinstance(command, click.Group) else []
        described = [option for one in (command, *inner) for option in one.params if isinstance(option, click.Option)]
        assert all(option.help for option in described), name
        assert all(one.help for one in inner), name


def test_it_tells_its_version(run: Run) -> None:
    assert run("--version").stdout.startswith("darkroom, version ")


def test_a_minted_url_is_all_that_is_printed_and_a_server_accepts_it(run: Run, tmp_path: Path) -> None:
    result = run("callback-url", "--ref", "order-7", "--tag", "team=a=b", "--expires-in", "60")
    assert result.exit_code == 0
    [url] = result.stdout.splitlines()
    assert url.startswith("https://darkroom.example.com/callbacks/evolink/")

    async def use() -> Any:
        async with serving(tmp_path, callbacks={"secrets": [SECRET]}) as house:
            assert (await house.call_back(task_object(), path=urlsplit(url).path)).status_code == 202
            return await house.json(f"/v1/tasks/{TASK}")

    task = asyncio.run(use())
    assert (task["ref"], task["tags"]) == ("order-7", {"team": "a=b"})


def test_a_base_that_the_provider_would_refuse_is_noted_beside_the_url(run: Run) -> None:
    result = run("callback-url", PUBLIC_URL="http://localhost:1")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert result.stderr.count("note: ") == 2
    document = json.loads(run("callback-url", "--json", PUBLIC_URL="http://localhost:1").stdout)
    assert set(document) == {"id", "callback_url", "warnings"}
    assert len(document["warnings"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["callback-url", "--tag", "novalue"], "K=V"),
        (["callback-url", "--tag", "=x"], "K=V"),
        (["callback-url", "--expires-in", "0"], "expires-in"),
        (["callback-url", "--expires-in", "9" * 30], "expires-in"),
        (["register"], "TASK_ID"),
        (["register", "task-a", "--parameters", "[]"], "JSON object"),
        (["register", "task-a", "--parameters", "{"], "JSON object"),
        (["serve", "--roles", "painter"], "DARKROOM_ROLES"),
        (["simulator", "--fault", "rain=1"], "rain"),
        (["simulator", "--fault", "late"], "KIND=RATE"),
        (["demo", "--tasks", "0"], "tasks"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_taken(run: Run, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert words in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["callback-url", "--task-id", "../x"], "task_id"),
        (["callback-url", "--ref", "".join(f"{n:x}" for n in range(3000))], "2048"),
        (["register", "abc"], "task id"),
        (["register", "../../etc/passwd"], "task id"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_one_line(run: Run, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in one_line(result)


def test_a_wrong_setting_ends_with_2_and_one_line_that_names_it(run: Run) -> None:
    for command in (["callback-url"], ["register", TASK], ["migrate"], ["healthcheck"], ["doctor"]):
        result = run(*command, SERVER__PORT="eighty")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "DARKROOM_SERVER__PORT" in one_line(result)


def test_a_place_that_cannot_be_used_ends_with_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["callback-url"], ["register", TASK], ["migrate"]):
        result = run(*command, DATA_DIR=str(tmp_path / "file" / "below"))
        assert result.exit_code in (1, 2)
        assert str(tmp_path / "file") in one_line(result)


def test_secrets_that_only_a_server_with_all_roles_may_make_are_asked_for(run: Run) -> None:
    result = run("callback-url", ROLES="api", CALLBACKS__SECRETS="")
    assert result.exit_code == 2
    assert "DARKROOM_CALLBACKS__SECRETS" in one_line(result)


def test_tasks_are_registered_once_and_known_then(run: Run) -> None:
    assert run("register", "task-a", "task-b", "--prompt", "a cat").stdout.splitlines() == [
        "task-a: registered, pending",
        "task-b: registered, pending",
    ]
    again = run("register", "task-a", "--json")
    assert json.loads(again.stdout) == {"id": "task-a", "status": "pending", "new": False}


def test_migrate_makes_a_database_current_and_says_so(run: Run, tmp_path: Path) -> None:
    assert "revision" in run("migrate").stdout
    assert "current" in run("migrate").stdout
    connection = sqlite3.connect(tmp_path / "data" / "darkroom.db")
    connection.execute("DELETE FROM alembic_version")
    connection.commit()
    connection.close()
    refused = run("callback-url")
    assert refused.exit_code == 2
    assert "darkroom migrate" in one_line(refused)


def test_healthcheck_without_a_server_ends_with_1(run: Run) -> None:
    result = run("healthcheck", "--timeout", "2", SERVER__PORT="1")
    assert result.exit_code == 1
    assert "no answer" in one_line(result)


def test_doctor_ends_with_0_unless_something_is_broken(run: Run) -> None:
    sound = run("doctor", "--json", STORAGE__MIN_FREE_BYTES="0")
    assert sound.exit_code == 0, sound.output
    assert {"check", "level", "message"} == set(json.loads(sound.stdout)[0])
    broken = run("doctor", STORAGE__MIN_FREE_BYTES="8000 TiB")
    assert broken.exit_code == 1
    assert "✗ storage" in broken.stdout


def test_demo_leaves_a_folder_alone_that_is_not_its_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("irreplaceable")
    result = run("demo", "--folder", str(tmp_path / "mine"))
    assert result.exit_code == 2
    assert "--folder" in one_line(result)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "irreplaceable"


@pytest.mark.parametrize("arguments", [["callback-url", "--ref", "\udcff"], ["register", TASK, "--prompt", "a\udcff"]])
def test_arguments_that_are_not_utf_8_end_in_one_line_or_are_mended(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1, 2)

"""`darkroom replay` and `darkroom revoke`: what they do, what they print, and that they run beside a service."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.catalog.catalog import Catalog
from service.intake.batch import Delivery, take_in
from tests.support.app import SECRET, serving
from tests.support.commands import Run, commands_in
from tests.support.deliveries import RULES, TASK, delivery, task_object, token
from tests.support.dump import dump

ELSEWHERE = "https://images.example.com/0.png"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with commands_in(tmp_path, CALLBACKS__SECRETS=json.dumps([SECRET])) as commands:
        yield commands


def kept(folder: Path, *deliveries: Delivery) -> Path:
    """An inbox with these callbacks; the path of its database."""
    path = folder / "data" / "darkroom.db"
    path.parent.mkdir()
    catalog = Catalog(path)
    catalog.open()
    catalog.upgrade()
    asyncio.run(catalog.write(partial(take_in, batch=deliveries, rules=RULES)))
    catalog.close()
    return path


def misread(task_id: str = TASK) -> Delivery:
    return replace(delivery(task_object(task_id=task_id)), event=None)


def test_a_replay_tells_what_it_did_and_the_second_time_that_nothing_was_left(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, misread(), delivery(b"bad"))
    assert run("replay", "--verdict", "unreadable").stdout.splitlines() == [
        "2 callbacks: 1 accepted, 0 foreign, 1 unreadable, 0 without their body",
        "1 tasks changed:",
        f"  {TASK}",
    ]
    assert run("replay", "--all").stdout.splitlines()[1:] == ["0 tasks changed"]


def test_a_dry_run_tells_what_would_happen_and_changes_no_row(run: Run, tmp_path: Path) -> None:
    path = kept(tmp_path, misread())
    before = dump(path)
    result = run("replay", "--all", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1:] == ["1 tasks would change:", f"  {TASK}"]
    assert dump(path) == before


def test_the_settings_of_now_are_those_that_count(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, delivery(task_object(results=[ELSEWHERE])))
    assert json.loads(run("replay", "--all", "--json").stdout)["changed_total"] == 0
    mended = run("replay", "--all", "--json", DOWNLOAD__ALLOWED_HOSTS="images.example.com")
    assert json.loads(mended.stdout)["changed"] == [TASK]


def test_every_filter_is_there(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, misread("task-a"), delivery(task_object("failed", "task-b"), through=token("tok-b")), delivery(b"x"))
    for arguments, matched in (
        (["1", "3", "3"], 2),
        (["--task-id", "task-b"], 1),
        (["--token-id", "tok-b"], 1),
        (["--status", "failed"], 1),
        (["--received-after", "2026-05-01T12:00:00Z"], 3),
        (["--received-before", "2026-05-01T14:00:00+02:00"], 0),
        (["--verdict", "accepted", "--token-id", "tok-1"], 0),
    ):
        result = run("replay", *arguments, "--dry-run", "--json")
        assert json.loads(result.stdout)["matched"] == matched, arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--all"),
        (["--dry-run"], "--all"),
        (["--all", "--verdict", "foreign"], "--all"),
        (["--verdict", "refused"], "refused"),
        (["--received-after", "yesterday"], "2026-05-01T12:00:00Z"),
        (["0"], "CALLBACK_ID"),
        (["x"], "CALLBACK_ID"),
    ],
)
def test_what_is_not_clear_ends_with_2_and_touches_nothing(
    run: Run, tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = run("replay", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not (tmp_path / "data").exists()


def test_more_than_a_hundred_tasks_are_counted_and_not_all_listed(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, *(misread(f"task-{number:03}") for number in range(130)))
    lines = run("replay", "--all").stdout.splitlines()
    assert (lines[1], len(lines), lines[-1]) == ("130 tasks changed:", 103, "  … and 30 more")


def test_revoking_tells_which_tasks_were_touched_and_is_refused_for_what_was_never_there(
    run: Run, tmp_path: Path
) -> None:
    kept(tmp_path, delivery(task_object("failed"), through=token("leaked")))
    assert run("revoke", "leaked").stdout.splitlines() == [
        "leaked is revoked; its callbacks named 1 tasks:",
        f"  {TASK}: failed, not confirmed",
    ]
    again = json.loads(run("revoke", "leaked", "--json").stdout)
    assert again == {
        "revoked": "leaked",
        "touched": {"tasks": [{"id": TASK, "status": "failed", "confirmed": False}], "total": 1},
    }
    unknown = run("revoke", "no-such-token")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "'no-such-token'" in unknown.stderr


def test_an_id_that_begins_with_a_dash_is_no_option(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, delivery(task_object("failed"), through=token("-leaked")))
    assert json.loads(run("revoke", "-leaked", "--json").stdout)["revoked"] == "-leaked"


async def test_a_running_service_learns_of_it_within_seconds(run: Run, tmp_path: Path) -> None:
    minted = json.loads((await asyncio.to_thread(run, "callback-url", "--json")).stdout)
    path = urlsplit(minted["callback_url"]).path
    async with serving(tmp_path) as house:
        assert (await house.call_back(task_object("processing"), path=path)).status_code == 202
        revoked = await asyncio.to_thread(run, "revoke", minted["id"])
        assert revoked.exit_code == 0, revoked.output
        async with asyncio.timeout(10):
            while (await house.call_back(task_object("processing"), path=path)).status_code != 404:
                await asyncio.sleep(0.05)


@pytest.mark.long
async def test_a_replay_runs_beside_a_service_that_goes_on_taking_callbacks(run: Run, tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        for start in range(0, 600, 200):
            batch = [misread(f"task-{start + number:04}") for number in range(200)]
            await house.parts.catalog.write(partial(take_in, batch=batch, rules=RULES))
        running = asyncio.create_task(asyncio.to_thread(run, "replay", "--verdict", "unreadable", "--json"))
        path, number = await house.mint(), 0
        while not running.done():
            answer = await house.call_back(task_object("failed", f"task-live-{number}"), path=path)
            assert answer.status_code == 202, answer.text
            number += 1
        assert number > 3
        assert json.loads(running.result().stdout)["accepted"] == 600

"""`darkroom submit`: alone, beside a server, and killed while it waits."""

import asyncio
import hashlib
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.authority import Authority
from tests.system.support.darkroom import STOP_WITHIN, Darkroom
from tests.system.support.gateway import Way
from tests.system.support.stand_in import SIZE, Ledger, StandIn
from tests.system.support.submitting import assert_archived_with, gateway_before, nothing_reserved, only_task, wish
from tests.system.support.waiting import eventually

PROMPT = "a lighthouse at dusk"
SMALL = ("--size", SIZE)
ORDER = "order-of-a-lighthouse-1"


async def ran(service: Darkroom, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """`darkroom submit`, to its end."""
    done = await service.run("submit", *words)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done


async def told(service: Darkroom, *words: str, code: int = 0) -> dict[str, Any]:
    """What it says in JSON."""
    document: dict[str, Any] = json.loads((await ran(service, *words, "--json", code=code)).stdout)
    return document


def hashes(files: list[str]) -> list[str]:
    return [hashlib.sha256(Path(file.removeprefix("file://")).read_bytes()).hexdigest() for file in files]


def assert_not_called_back(ledger: Ledger, task_id: str) -> None:
    assert ledger.tasks[task_id]["callback_url_sent"] is False


@pytest.mark.long
async def test_a_dry_run_tells_the_price_and_sends_nothing(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False)
    beta = (PROMPT, "--model", "gpt-image-2-beta", "--size", "16:9", "--resolution", "2K", "--dry-run")
    assert (await ran(service, *beta)).stdout == "estimated: $0.0255 (1.734 credits)\n"
    estimate = (await told(service, *beta))["estimate"]
    assert (estimate["credits"], estimate["exact"], estimate["basis"]) == (1.734, True, "per_image")
    per_token = await told(service, PROMPT, "--n", "2", "--quality", "low", "--dry-run")
    assert (per_token["estimate"]["exact"], per_token["estimate"]["basis"]) == (False, "tokens")
    assert "a guess" in (await ran(service, PROMPT, "--dry-run")).stdout
    assert (await provider.ledger()).requests["submit"] == 0


@pytest.mark.long
async def test_alone_and_where_nobody_can_call_back_it_archives_the_images_itself_and_names_the_files(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False, tls=False)
    done = await ran(service, PROMPT, *SMALL, "--n", "2", "--wait")
    task_id = await only_task(provider)
    ledger = await provider.ledger()
    assert_not_called_back(ledger, task_id)
    assert hashes(done.stdout.splitlines()) == ledger.hashes(task_id)
    assert f"{task_id}: completed, $" in done.stderr
    await service.start()
    await assert_archived_with(service, ledger, task_id, wish(PROMPT, n=2))
    assert (await provider.ledger()).files == 2, "nothing was left for the server to do"
    await nothing_reserved(service)


@pytest.mark.long
async def test_beside_a_server_it_waits_for_what_that_archives(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    words = ("--ref", "order-7", "--tag", "team=shop", "--wait")
    said = await told(service, PROMPT, *SMALL, *words)
    ledger = await provider.done(said["task_id"])
    assert ledger.tasks[said["task_id"]]["callbacks"]["delivered"] == 1, "the server takes its callback"
    assert (said["status"], said["replayed"], said["error"]) == ("completed", False, None)
    assert hashes(said["files"]) == ledger.hashes(said["task_id"])
    task = await assert_archived_with(service, ledger, said["task_id"], wish(PROMPT))
    assert (task["ref"], task["tags"]) == ("order-7", {"team": "shop"})
    assert said["cost"]["usd"] == pytest.approx(task["cost"]["usd"])
    [kept] = await service.api.all("/v1/submissions")
    assert (kept["id"], kept["key_name"]) == (said["submission"], "(command line)")


@pytest.mark.long
async def test_what_is_wrong_ends_it_with_2_and_sends_nothing(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False)
    wrong = {
        "size": ("--size", "64x64"),
        "model": ("--model", "seedream-9"),
        "n ": ("--n", "11"),
        "quality": ("--model", "gpt-image-2-beta", "--quality", "low"),
        "--tag": ("--tag", "team"),
        "--idempotency-key": ("--idempotency-key", "short"),
    }
    for what, words in wrong.items():
        done = await ran(service, PROMPT, *words, code=2)
        assert what in done.stderr
        assert done.stdout == ""
    assert (await provider.ledger()).requests["submit"] == 0


@pytest.mark.long
async def test_a_task_without_images_ends_it_with_1_and_a_reason(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    failed = await told(service, "[fail:content_policy_violation]", *SMALL, "--wait", code=1)
    assert (failed["status"], failed["files"]) == ("failed", [])
    assert failed["error"]["code"] == "content_policy_violation"
    cancelled = await ran(service, "[cancel]", *SMALL, "--wait", code=1)
    assert cancelled.stdout == ""
    assert "no success" in cancelled.stderr
    await nothing_reserved(service)


@pytest.mark.long
async def test_where_the_provider_says_no_or_is_not_there_it_ends_with_1_and_one_line(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False)
    for state, words in {"broke": "insufficient_quota", "refusing": "invalid_api_key", "down": "503"}.items():
        await provider.turn(state, submit=True)
        done = await ran(service, PROMPT, *SMALL, code=1)
        assert words in done.stderr
    nobody = await service.run("submit", PROMPT, EVOLINK__API_URL="https://localhost:9")
    assert (nobody.returncode, "nothing is paid" in nobody.stderr) == (1, True)
    keyless = await start(running=False)
    assert "DARKROOM_EVOLINK__API_KEY" in (await ran(keyless, PROMPT, code=1)).stderr


@pytest.mark.long
async def test_a_prompt_is_read_from_standard_input_and_without_wait_a_later_server_archives(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False)
    prompt = "a lighthouse,\nat dusk: 灯台\n"
    said, notes = await asyncio.to_thread(service.begin("submit", "-", *SMALL).communicate, prompt, STOP_WITHIN)
    task_id = await only_task(provider)
    assert said == f"{task_id}\n"
    assert "darkroom serve" in notes
    await service.start()
    assert await service.api.get(f"/v1/tasks/{task_id}")
    await provider.done(task_id)
    await provider.call_back(task_id)  # those before found nobody
    await assert_archived_with(service, await provider.ledger(), task_id, wish(prompt))


@pytest.mark.long
async def test_the_same_again_under_one_key_is_paid_once(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--no-idempotency")
    service = await start(asks=provider)
    words = (PROMPT, *SMALL, "--idempotency-key", ORDER, "--wait")
    first, second = await told(service, *words), await told(service, *words)
    assert (first.pop("replayed"), second.pop("replayed")) == (False, True)
    assert first == second
    assert first["task_id"] == await only_task(provider)
    other = await ran(service, "a mill", *SMALL, "--idempotency-key", ORDER, code=1)
    assert "another request" in other.stderr


async def submitted(provider: StandIn) -> str:
    """The id of the task that the command makes, as soon as it is there."""

    async def look() -> str | None:
        return next(iter((await provider.ledger()).tasks), None)

    return await eventually(look, what="the command has submitted")


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_a_task_goes_on_when_the_command_that_waits_for_it_is_ended_and_a_server_archives_it(
    start: Start, stand_in: Begin, number: signal.Signals
) -> None:
    provider = await stand_in("--no-idempotency", "--seconds", "3", "3")
    service = await start(asks=provider, running=False, tls=False)
    command = service.begin("submit", PROMPT, *SMALL, "--wait")
    task_id = await submitted(provider)
    command.send_signal(number)
    said, notes = await asyncio.to_thread(command.communicate, None, STOP_WITHIN)
    assert (command.returncode, said) == ({signal.SIGKILL: -9, signal.SIGINT: 130}[number], "")
    assert "Traceback" not in notes
    await provider.done(task_id)
    await service.start()
    await assert_archived_with(service, await provider.ledger(), task_id, wish(PROMPT))
    await only_task(provider)
    await nothing_reserved(service)


@pytest.mark.long
async def test_a_command_killed_while_the_answer_is_on_its_way_leaves_a_task_that_a_server_finds(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in("--no-idempotency")
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, running=False, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_HELD
        words = ("submit", PROMPT, *SMALL, "--wait", "--idempotency-key", ORDER)
        command = service.begin(*words)
        await asyncio.wait_for(gateway.reached.wait(), STOP_WITHIN)
        command.kill()
        await asyncio.to_thread(command.communicate, None, STOP_WITHIN)
        gateway.way = Way.OPEN
        gateway.let_go.set()
        task_id = await submitted(provider)
        await service.start()

        async def again() -> dict[str, Any] | None:
            done = await service.run(*words, "--json")
            return json.loads(done.stdout) if done.returncode == 0 else None

        said = await eventually(again, what="the same command gets the task", within=60)
        assert (said["task_id"], said["replayed"], said["status"]) == (task_id, True, "completed")
        ledger = await provider.ledger()
        assert hashes(said["files"]) == ledger.hashes(task_id)
        await assert_archived_with(service, ledger, task_id, wish(PROMPT))
        assert ledger.tasks.keys() == {task_id}

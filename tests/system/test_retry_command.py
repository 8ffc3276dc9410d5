"""What was given up has a way back: `darkroom retry`, the route, and the sweep."""

import json
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.darkroom import Darkroom
from tests.system.support.kept import assert_ended, assert_kept, at_rest
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.settings import KEY, list_setting
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

UNKNOWN = "unknown_to_provider"


async def test_a_task_that_was_given_up_too_soon_comes_back_by_command_by_route_and_by_sweep(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    first = await provider.submit(callback_url=url)
    await provider.done(first)
    await assert_kept(service, await provider.ledger(), first)
    await provider.turn("ok", unknown_seconds=3600)
    commanded, posted, swept = dead = await provider.submit_many(3, callback_url=url)
    await provider.done(*dead)
    for task_id in dead:
        await assert_ended(service, task_id, "dead", reason=UNKNOWN)
    assert (await service.api.get("/v1/stats"))["dead"]["tasks"] == {UNKNOWN: 3}
    assert (await service.api.metrics())[f'darkroom_dead_total{{reason="{UNKNOWN}"}}'] == 3

    await provider.turn("ok", unknown_seconds=0)
    assert (await service.run("retry", commanded)).returncode == 0
    assert (await service.api.client.post(f"/v1/tasks/{posted}/retry")).json()["status"] in ("pending", "completed")
    ledger = await provider.ledger()
    await assert_kept(service, ledger, commanded, posted)
    effects = [entry["effect"] for entry in (await at_rest(service, commanded))["history"]]
    assert effects == ["hint", "not_yet", "gave_up", "retried", "decided"]
    await assert_ended(service, swept, "dead", reason=UNKNOWN)
    assert await service.stop() == 0
    await service.start()
    await alive(service, swept)
    await assert_kept(service, ledger, *dead)
    assert (await service.api.get("/v1/stats"))["dead"] == {"tasks": {}, "assets": {}}


async def alive(service: Darkroom, task_id: str) -> None:
    """Wait until a task is not dead any more."""

    async def look() -> bool | None:
        return (await service.api.get(f"/v1/tasks/{task_id}"))["status"] != "dead" or None

    await eventually(look, what=f"{task_id} is alive")


async def test_retry_picks_by_reason_or_reference_and_a_dry_run_only_tells(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__PATIENCE="2s", DOWNLOAD__MAX_BYTES="1 KiB")
    large, invented = await provider.submit(callback_url=await service.api.mint()), new_task_id()
    await provider.done(large)
    await call_back(service.api.client, await service.api.mint(ref="order-7"), task_object(invented))
    before = [await at_rest(service, task_id) for task_id in (large, invented)]
    assert before[0]["assets"][0]["reason"] == "too_large"
    assert set((await said(service, "--all", "--dry-run"))["would_retry"]) == {large, invented}
    assert [await at_rest(service, task_id) for task_id in (large, invented)] == before

    assert await service.stop() == 0
    service.settings = {**service.settings, "DOWNLOAD__MAX_BYTES": "64 MiB"}
    await service.start()
    assert await said(service, "--reason", "too_large") == {"retried": [large], "refused": {}}
    await assert_kept(service, await provider.ledger(), large)
    assert await said(service, "--ref", "order-7") == {"retried": [invented], "refused": {}}
    again = await assert_ended(service, invented, "dead", reason=UNKNOWN)
    assert [entry["effect"] for entry in again["history"]][-3:] == ["retried", "not_yet", "gave_up"]


async def said(service: Darkroom, *words: str) -> Any:
    """What `darkroom retry` prints as JSON."""
    done = await service.run("retry", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_wrong_words_end_the_command_with_2(start: Start) -> None:
    service = await start(running=False)
    for words in (("--dry-run",), ("--all", new_task_id())):
        done = await service.run("retry", *words)
        assert (done.returncode, done.stdout) == (2, ""), words


async def test_what_cannot_be_retried_is_told_plainly_and_only_an_admin_may_try(start: Start, stand_in: Begin) -> None:
    keys = {scope: f"dk_{scope}-key-of-these-tests" for scope in ("read", "write")}
    entries = [{"name": scope, "key": key, "scopes": [scope]} for scope, key in keys.items()]
    admin = {"name": "tests", "key": KEY, "scopes": ["admin"]}
    provider = await stand_in()
    service = await start(asks=provider, API_KEYS=list_setting(admin, *entries))
    settled, unknown = await provider.submit(callback_url=await service.api.mint()), new_task_id()
    await provider.done(settled)
    await at_rest(service, settled)

    assert await refusal(service, KEY, settled) == (409, "nothing_to_retry")
    assert await refusal(service, KEY, unknown) == (404, "task_not_found")
    assert [(await refusal(service, key, settled))[0] for key in (*keys.values(), None)] == [403, 403, 401]
    done = await service.run("retry", settled, unknown)
    assert (done.returncode, done.stdout) == (1, "0 tasks are tried again\n")
    assert done.stderr.splitlines() == [
        f"{settled}: nothing of this task is dead or waiting",
        f"{unknown}: no such task",
    ]


async def refusal(service: Darkroom, key: str | None, task_id: str) -> tuple[int, str]:
    """Status and code with which the route answers this key."""
    async with service.client(key) as client:
        answer = await client.post(f"/v1/tasks/{task_id}/retry")
    return answer.status_code, answer.json()["code"]


async def test_without_a_provider_key_there_is_nobody_to_ask(start: Start) -> None:
    service = await start()
    task_id = new_task_id()
    assert (await service.api.client.post("/v1/tasks", json={"id": task_id})).status_code == 201
    answer = await service.api.client.post(f"/v1/tasks/{task_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "nobody_to_ask")
    done = await service.run("retry", task_id)
    assert (done.returncode, "DARKROOM_EVOLINK__API_KEY" in done.stderr) == (1, True)

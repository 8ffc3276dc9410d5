"""Callbacks that never come, answers that come late, links that die early: every image is archived all the same."""

import json
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.darkroom import Darkroom
from tests.system.support.kept import assert_ended, assert_kept, at_rest, told
from tests.system.support.stand_in import StandIn
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

TASKS = 30


async def tell(service: Darkroom, *task_ids: str, **known: Any) -> None:
    for task_id in task_ids:
        answer = await service.api.client.post("/v1/tasks", json={"id": task_id, **known})
        assert answer.status_code in (200, 201), "a sweep may have found it first"


async def test_tasks_whose_callbacks_are_lost_are_found_by_the_sweep_at_start(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--fault", "lost=1")
    service = await start(asks=provider)
    url = await service.api.mint()
    for habits, most_reads in (({}, 0.2), ({"no_batch": True}, 1.2)):
        await provider.turn("ok", **habits)
        before = await provider.ledger()
        tasks = await provider.submit_many(TASKS // 3, callback_url=url)
        await tell(service, *tasks)
        assert await service.stop() == 0
        tasks += await provider.submit_many(TASKS // 3, callback_url=url)
        tasks += await provider.strangers(*[{"created_seconds_ago": 20 * number} for number in range(TASKS // 3)])
        await service.start()
        await assert_kept(service, await provider.done(*tasks), *tasks)
        after = await provider.ledger()
        assert after.files - before.files == TASKS
        assert (after.reads - before.reads) / TASKS <= most_reads, habits


async def test_without_a_list_told_tasks_are_found_when_somebody_has_them_asked_about(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--fault", "lost=1", "--no-list")
    service = await start(asks=provider)
    url = await service.api.mint()
    for habits, most_reads in (({}, 0.5), ({"batch_without_links": True}, 1.5), ({"no_batch": True}, 1.5)):
        await provider.turn("ok", **habits)
        before = await provider.ledger()
        tasks = await provider.submit_many(TASKS // 3, callback_url=url)
        await tell(service, *tasks)
        await provider.done(*tasks)
        assert (await service.run("retry", *tasks)).returncode == 0
        await assert_kept(service, await provider.ledger(), *tasks)
        after = await provider.ledger()
        assert after.files - before.files == len(tasks)
        assert (after.reads - before.reads) / len(tasks) <= most_reads, habits


async def test_the_first_sweep_reaches_a_day_back_over_many_pages(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    hours = [{"created_seconds_ago": 3600 * ago} for ago in (0, 12, 23.9, 24.2, 30)]
    *young, day_old, older = await provider.strangers(*hours)
    failed = await provider.strangers(*[{"status": "failed", "created_seconds_ago": 600}] * 60)
    service = await start(asks=provider)
    await assert_kept(service, await provider.ledger(), *young)
    for task_id in failed:
        await assert_ended(service, task_id, "failed")
    for task_id in (day_old, older):
        assert (await service.api.client.get(f"/v1/tasks/{task_id}")).status_code == 404
    ledger = await provider.ledger()
    assert (ledger.files, ledger.requests["list_tasks"]) == (3, 2)


async def test_one_round_of_the_reconcile_command_asks_about_what_is_due_and_says_what_came_of_it(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, running=False)
    completed, failed = await provider.strangers({}, {"status": "failed"})
    done = await service.run("reconcile", "--once", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["asked"], said["still_due"], said["dead"]) == (0, {"terminal": 2}, 0, 0)
    assert said["sweep"] == {"ended": "done", "strangers": 2, "due": 0, "detail": None}
    await service.start()
    await assert_kept(service, await provider.ledger(), completed)
    await assert_ended(service, failed, "failed")


async def test_answers_that_are_a_moment_or_a_link_behind_the_callback_lose_nothing(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--behind-seconds", "3")
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    behind = [await provider.submit(callback_url=url, n=n) for n in (1, 2)]
    failed = await provider.submit("[fail]", callback_url=url)
    a_link_less = [await provider.submit("[fault:one-link-behind]", callback_url=url, n=n) for n in (1, 3)]
    await provider.done(*behind, *a_link_less, failed)
    await assert_kept(service, await provider.ledger(), *behind)
    await assert_kept(service, await provider.ledger(), *a_link_less, in_order=False)
    await assert_ended(service, failed, "failed")
    ledger = await provider.ledger()
    assert ledger.files == 7
    assert ledger.reads <= 20, ledger.requests


async def test_a_task_that_the_provider_does_not_know_at_first_is_not_lost(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__PATIENCE="4s")
    url = await service.api.mint()
    known = await provider.submit(callback_url=url)  # by which the key is known to be of this account
    await provider.done(known)
    await assert_kept(service, await provider.ledger(), known)
    await provider.turn("ok", unknown_seconds=3600)
    tasks = await provider.submit_many(3, callback_url=url)
    await provider.done(*tasks)
    await asked_in_vain(provider)
    await provider.turn("ok", unknown_seconds=0)
    await assert_kept(service, await provider.ledger(), *tasks)
    effects = [entry["effect"] for task_id in tasks for entry in told(await at_rest(service, task_id), origin="poll")]
    assert (effects.count("decided"), effects.count("not_yet") > 0, len(set(effects))) == (3, True, 2)


async def asked_in_vain(provider: StandIn) -> None:
    """Wait until the provider has answered that it does not know a task."""

    async def look() -> bool | None:
        return "404" in (await provider.ledger()).answers or None

    await eventually(look, what="the service asks about a task that is not known yet")


async def test_links_that_change_or_die_early_cost_no_image_and_double_none(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    url = await service.api.mint()
    steady = [await faulty(provider, url, *faults) for faults in (["resigned"], ["dies-early", "resigned"])]
    orders = (["reorder-links"], ["dies-early", "reorder-links"], ["moved"], ["moved", "reorder-links"])
    shuffled = [await faulty(provider, url, *faults) for faults in orders]
    await provider.done(*steady, *shuffled)
    await assert_kept(service, await provider.ledger(), *steady)
    await assert_kept(service, await provider.ledger(), *shuffled, in_order=False)
    ledger = await provider.ledger()
    for task_id in (*steady, *shuffled):
        assert [image["times_served"] for image in ledger.images(task_id)] == [1, 1, 1]


async def test_a_lost_callback_and_a_link_that_comes_late_cost_no_image_of_a_told_task(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    task_id = await faulty(provider, await service.api.mint(), "lost", "one-link-behind")
    await tell(service, task_id, parameters={"n": 3})
    await provider.done(task_id)
    assert (await service.api.client.post(f"/v1/tasks/{task_id}/retry")).status_code == 202
    await assert_kept(service, await provider.ledger(), task_id, in_order=False)


async def faulty(provider: StandIn, url: str, *faults: str) -> str:
    """A task of three images with these faults."""
    return await provider.submit(" ".join(f"[fault:{fault}]" for fault in faults), callback_url=url, n=3)

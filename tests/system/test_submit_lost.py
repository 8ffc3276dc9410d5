"""Answers that are lost on their way: their tasks are found, and no request is sent, and paid, twice.

The provider of these tests makes a task of every request, whatever its Idempotency-Key: nothing may depend on that.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.authority import Authority
from tests.system.support.gateway import Way
from tests.system.support.kept import assert_kept
from tests.system.support.submitting import (
    answered,
    assert_archived_with,
    assert_unclear,
    gateway_before,
    nothing_reserved,
    only_task,
    quiet,
    reserved,
    through,
    wish,
)
from tests.system.support.waiting import eventually
from tests.system.support.wall_clock import WallClock, why_no_clock

ORDER = "order-of-a-lighthouse-1"
FORGETFUL = "--no-idempotency"
NO_CALLBACKS = ("--fault", "lost=1")
LOSSES = (Way.ANSWER_CUT, Way.PAGE, Way.WRONG_PAGE, Way.NOISE)
SOON = 20.0

needs_clock = pytest.mark.skipif(why_no_clock() is not None, reason=str(why_no_clock()))


async def test_a_lost_answer_is_found_by_its_callback_and_the_same_request_gets_its_task(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish("a mill by the sea", n=2)
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        async with through(service, provider) as client:
            gateway.way = Way.ANSWER_CUT
            assert_unclear(await client.submit_once(key=ORDER, **asked))
            found = await answered(client, asked, key=ORDER, within=SOON)
            again = await client.submit_once(key=ORDER, **asked)
            assert found.headers["Idempotency-Replayed"] == again.headers["Idempotency-Replayed"] == "true"
            assert found.content == again.content
            task_id = await only_task(provider)
            assert (found.json()["id"], found.json()["status"]) == (task_id, "pending")
            assert (await client.wait(task_id))["status"] == "completed"
        await assert_archived_with(service, await provider.ledger(), task_id, asked)
        assert gateway.met.total() == 1, "it was not even sent again"
        await nothing_reserved(service)


@pytest.mark.long
@pytest.mark.parametrize("key", [ORDER, None])
@pytest.mark.parametrize("found_by", ["callback", "list"])
async def test_in_whatever_way_an_answer_is_lost_its_task_is_found_by_its_callback_or_in_the_list(
    start: Start, stand_in: Begin, authority: Authority, found_by: str, key: str | None
) -> None:
    """One after the other: what the list shows is only whose it must be where nothing else was lost."""
    provider = await stand_in(FORGETFUL, *(("--no-list",) if found_by == "callback" else NO_CALLBACKS))
    made = set()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        async with through(service, provider) as client:
            for way in LOSSES:
                asked, own_key = wish(f"a mill, {way}"), f"{key}-{way}" if key else None
                gateway.way = way
                assert_unclear(await client.submit_once(key=own_key, **asked))
                gateway.way = Way.OPEN
                found = await answered(client, asked, key=own_key)
                assert found.headers["Idempotency-Replayed"] == "true"
                task_id = found.json()["id"]
                assert task_id not in made
                made.add(task_id)
                assert (await client.wait(task_id))["status"] == "completed"
                ledger = await provider.done(task_id)
                assert ledger.tasks.keys() == made
                await assert_archived_with(service, ledger, task_id, asked)
        assert gateway.met == dict.fromkeys(LOSSES, 1)
        await nothing_reserved(service)


@pytest.mark.long
async def test_the_first_repetition_without_a_key_gets_the_answer_that_nobody_got_and_the_next_one_is_a_new_request(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish("a mill by the sea")
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        async with through(service, provider) as client:
            gateway.way = Way.PAGE
            assert_unclear(await client.submit_once(**asked))
            gateway.way = Way.OPEN
            assert_unclear(await client.submit_once(**asked | {"callback_url": None}))
            other = await client.submit_once(**asked | {"n": 2})
            assert "Idempotency-Replayed" not in other.headers
            first = await answered(client, asked, within=SOON)
            assert first.headers["Idempotency-Replayed"] == "true"
            second = await client.submit_once(**asked)
            assert "Idempotency-Replayed" not in second.headers
        task_ids = [answer.json()["id"] for answer in (first, second, other)]
        ledger = await provider.done(*task_ids)
        assert ledger.tasks.keys() == set(task_ids)
        for task_id in task_ids[:2]:
            await assert_archived_with(service, ledger, task_id, asked)
        await nothing_reserved(service)


@pytest.mark.long
async def test_where_nothing_tells_of_a_task_it_stays_unclear_and_is_not_sent_again(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL, "--no-list", *NO_CALLBACKS)
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        async with through(service, provider) as client:
            for key in (ORDER, None):
                gateway.way = Way.ANSWER_CUT
                assert_unclear(await client.submit_once(key=key, **wish()))
                gateway.way = Way.OPEN
            for _ in range(6):
                for key in (ORDER, None):
                    assert_unclear(await client.submit_once(key=key, **wish()))
                await asyncio.sleep(1)
        assert gateway.met == {Way.ANSWER_CUT: 2}
        assert (await provider.ledger()).totals["tasks"] == 2
        assert await reserved(service) > 0


@pytest.mark.long
async def test_where_two_lost_answers_could_be_each_other_s_their_images_are_kept_all_the_same(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL, *NO_CALLBACKS)
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        async with through(service, provider) as client:
            gateway.way = Way.ANSWER_CUT
            for prompt in ("a mill", "a bridge"):
                assert_unclear(await client.submit_once(**wish(prompt)))
            task_ids = list((await provider.ledger()).tasks)
            await assert_kept(service, await provider.done(*task_ids), *task_ids, within=SOON)
            for prompt in ("a mill", "a bridge"):
                assert_unclear(await client.submit_once(**wish(prompt)))
        assert gateway.met.total() == 2
        assert [task["prompt"] for task in await service.api.all("/v1/tasks")] == [None, None]


@pytest.mark.long
async def test_a_request_that_never_left_is_not_kept_back_and_goes_out_when_the_way_is_open(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        await gateway.stop_listening()
        async with through(service, provider) as client:
            for _ in range(2):
                answer = await client.submit_once(key=ORDER, **asked)
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
                assert int(answer.headers["Retry-After"]) >= 1
                await nothing_reserved(service)
            await gateway.open()
            taken = await answered(client, asked, key=ORDER, within=SOON)
            assert "Idempotency-Replayed" not in taken.headers
            assert (await client.submit_once(key=ORDER, **asked)).headers["Idempotency-Replayed"] == "true"
        task_id = await only_task(provider)
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)


@needs_clock
@pytest.mark.long
async def test_a_request_that_never_arrived_is_sent_again_as_soon_as_that_is_sure_and_not_before(
    start: Start, stand_in: Begin, authority: Authority, tmp_path: Path
) -> None:
    provider, clock = await stand_in(FORGETFUL), WallClock(tmp_path)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, running=False, EVOLINK__API_URL=gateway.url)
        await service.start(prefix=clock.prefix)
        async with through(service, provider) as client:
            gateway.way = Way.REQUEST_CUT
            assert_unclear(await client.submit_once(key=ORDER, **asked))
            gateway.way = Way.OPEN
            for seconds in (0, 20, 40, 60):
                clock.set(timedelta(seconds=seconds))
                await asyncio.sleep(1.5)  # for a look
                assert_unclear(await client.submit_once(key=ORDER, **asked))
            assert gateway.met[Way.OPEN] == 0
            assert await reserved(service) > 0
            clock.set(timedelta(seconds=100))
            taken = await answered(client, asked, key=ORDER, within=SOON)
            assert "Idempotency-Replayed" not in taken.headers
        task_id = await only_task(provider)
        clock.set(timedelta())
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)
        await nothing_reserved(service)


@pytest.mark.long
async def test_a_callback_tells_of_a_lost_answer_as_soon_as_it_comes_however_long_the_image_took(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL, "--no-list", "--seconds", "16", "16")
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_CUT
        async with through(service, provider) as client:
            assert_unclear(await client.submit_once(key=ORDER, **asked))
            task_id = await only_task(provider)
            await provider.done(task_id)
            assert (await answered(client, asked, key=ORDER, within=4)).json()["id"] == task_id
        await assert_archived_with(service, await provider.ledger(), task_id, asked)


@needs_clock
@pytest.mark.long
async def test_a_request_of_whose_task_a_callback_told_has_arrived_although_the_provider_cannot_be_asked_about_it(
    start: Start, stand_in: Begin, authority: Authority, tmp_path: Path
) -> None:
    provider, clock = await stand_in(FORGETFUL, "--seconds", "3", "3"), WallClock(tmp_path)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, running=False, EVOLINK__API_URL=gateway.url)
        await service.start(prefix=clock.prefix)
        await quiet(provider)
        gateway.way = Way.ANSWER_HELD  # until the task has ended, so that nothing is looked for before
        async with through(service, provider) as client:
            asking = asyncio.create_task(client.submit_once(key=ORDER, **asked))
            await asyncio.wait_for(gateway.reached.wait(), SOON)
            task_id = await only_task(provider)
            gateway.hidden.add(task_id)
            await provider.done(task_id)
            gateway.way = Way.ANSWER_CUT
            gateway.let_go.set()
            assert_unclear(await asking)
            clock.set(timedelta(seconds=100))
            for _ in range(6):
                assert_unclear(await client.submit_once(key=ORDER, **asked))
                await asyncio.sleep(0.5)
            gateway.hidden.clear()
            gateway.way = Way.OPEN
            found = await answered(client, asked, key=ORDER)
        assert found.json()["id"] == await only_task(provider) == task_id
        assert gateway.met.total() == 1


@pytest.mark.long
async def test_an_answer_that_takes_longer_than_anybody_waits_is_found_by_its_callback(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_HELD
        async with through(service, provider) as client:
            assert_unclear(await client.submit_once(key=ORDER, **asked))
            found = await answered(client, asked, key=ORDER, within=SOON)
            assert found.headers["Idempotency-Replayed"] == "true"
            gateway.let_go.set()
        task_id = await only_task(provider)
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)
        assert gateway.met.total() == 1


@pytest.mark.long
async def test_who_asks_again_while_the_answer_is_on_its_way_and_who_has_hung_up_get_the_one_task(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_HELD
        async with through(service, provider) as client:
            first = asyncio.create_task(client.submit_once(key=ORDER, **asked))
            await asyncio.wait_for(gateway.reached.wait(), SOON)
            assert_unclear(await client.submit_once(key=ORDER, **asked))
            first.cancel()  # which closes its connection
            with pytest.raises((asyncio.CancelledError, httpx.TransportError)):
                await first
            gateway.let_go.set()

            async def taken() -> bool | None:
                [kept] = await service.api.all("/v1/submissions")
                return kept["status"] == "taken" or None

            await eventually(taken, what="the answer is recorded although nobody waits for it")
            again = await client.submit_once(key=ORDER, **asked)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "credits_reserved" in again.json()["usage"], "it is the provider's own answer"
        assert gateway.met.total() == 1
        task_id = await only_task(provider)
        assert again.json()["id"] == task_id
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)

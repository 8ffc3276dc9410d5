"""The service ends while a request of its client is on the way: its task is found after the next start, and is the only
one. The provider of these tests makes a task of every request, whatever its Idempotency-Key.
"""

import asyncio
import contextlib
import signal

import httpx
import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.authority import Authority
from tests.system.support.gateway import Gateway, Way
from tests.system.support.settings import list_setting
from tests.system.support.submitting import (
    answered,
    assert_archived_with,
    assert_unclear,
    gateway_before,
    nothing_reserved,
    only_task,
    through,
    wish,
)

ORDER = "order-of-a-lighthouse-1"
FORGETFUL = "--no-idempotency"
FOUND_BY = {"callback": ("--no-list",), "list": ("--fault", "lost=1")}
REACHED_WITHIN = 10.0
SECRETS = list_setting("a signing secret of more than 32 characters")


async def held(gateway: Gateway) -> None:
    await asyncio.wait_for(gateway.reached.wait(), REACHED_WITHIN)


async def given_up(asking: asyncio.Task[httpx.Response]) -> None:
    """The client of a service that was killed gets no answer."""
    with pytest.raises(httpx.TransportError):
        await asking


@pytest.mark.long
@pytest.mark.parametrize("key", [ORDER, None])
@pytest.mark.parametrize("found_by", FOUND_BY)
async def test_a_service_killed_while_the_answer_is_on_its_way_finds_the_task_after_the_next_start(
    start: Start, stand_in: Begin, authority: Authority, found_by: str, key: str | None
) -> None:
    provider = await stand_in(FORGETFUL, *FOUND_BY[found_by])
    asked = wish(n=2)
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_HELD
        async with through(service, provider) as client:
            asking = asyncio.create_task(client.submit_once(key=key, **asked))
            await held(gateway)
            task_id = await only_task(provider)
            await service.kill()
            gateway.let_go.set()
            await given_up(asking)
            gateway.way = Way.OPEN
            await service.start()
            await provider.done(task_id)
            if found_by == "callback":
                await provider.call_back(task_id)  # those before may have come while nobody was there
            found = await answered(client, asked, key=key)
            assert found.headers["Idempotency-Replayed"] == "true"
            assert (await client.wait(task_id))["status"] == "completed"
        assert found.json()["id"] == await only_task(provider) == task_id
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)
        assert gateway.met.total() == 1
        await nothing_reserved(service)


@pytest.mark.long
@pytest.mark.parametrize("key", [ORDER, None])
@pytest.mark.parametrize("found_by", FOUND_BY)
async def test_a_request_that_arrives_after_its_sender_was_killed_is_not_sent_again_meanwhile(
    start: Start, stand_in: Begin, authority: Authority, found_by: str, key: str | None
) -> None:
    provider = await stand_in(FORGETFUL, *FOUND_BY[found_by])
    asked = wish(n=2)
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.REQUEST_HELD
        async with through(service, provider) as client:
            asking = asyncio.create_task(client.submit_once(key=key, **asked))
            await held(gateway)
            await service.kill()
            await given_up(asking)
            gateway.way = Way.OPEN
            await service.start()
            for _ in range(4):
                assert_unclear(await client.submit_once(key=key, **asked))
                await asyncio.sleep(1)
            gateway.let_go.set()
            found = await answered(client, asked, key=key)
            assert found.headers["Idempotency-Replayed"] == "true"
            task_id = await only_task(provider)
            assert found.json()["id"] == task_id
            assert (await client.wait(task_id))["status"] == "completed"
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)
        assert gateway.met == {Way.REQUEST_HELD: 1}


@pytest.mark.parametrize("key", [pytest.param(ORDER, marks=pytest.mark.long), None])
async def test_the_same_request_right_after_the_next_start_is_not_sent_while_nobody_has_looked_for_its_task(
    start: Start, stand_in: Begin, authority: Authority, key: str | None
) -> None:
    """In this service nobody ever does."""
    provider = await stand_in(FORGETFUL)
    nobody_looks = "receiver,archiver,api"
    async with gateway_before(provider, authority) as gateway:
        service = await start(
            asks=provider, EVOLINK__API_URL=gateway.url, ROLES=nobody_looks, CALLBACKS__SECRETS=SECRETS
        )
        gateway.way = Way.ANSWER_HELD
        async with through(service, provider) as client:
            asking = asyncio.create_task(client.submit_once(key=key, **wish()))
            await held(gateway)
            await service.kill()
            gateway.let_go.set()
            await given_up(asking)
            gateway.way = Way.OPEN
            await service.start()
            assert_unclear(await client.submit_once(key=key, **wish()))
        assert gateway.met == {Way.ANSWER_HELD: 1}
        await only_task(provider)


@pytest.mark.long
async def test_a_service_that_is_told_to_stop_waits_for_the_answer_and_passes_it_on(
    start: Start, stand_in: Begin, authority: Authority
) -> None:
    provider = await stand_in(FORGETFUL)
    asked = wish()
    async with gateway_before(provider, authority) as gateway:
        service = await start(asks=provider, EVOLINK__API_URL=gateway.url)
        gateway.way = Way.ANSWER_HELD
        async with through(service, provider) as client:
            asking = asyncio.create_task(client.submit_once(key=ORDER, **asked))
            await held(gateway)
            service.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):  # it does not end as long as the answer is not there
                await asyncio.wait_for(service.ended(), 1)
            assert service.alive
            gateway.let_go.set()
            answer = await asking
            assert await service.ended() == 0
            task_id = await only_task(provider)
            assert (answer.status_code, answer.json()["id"]) == (200, task_id)
            await service.start()
            again = await client.submit_once(key=ORDER, **asked)
            assert again.content == answer.content
        await assert_archived_with(service, await provider.done(task_id), task_id, asked)
        assert gateway.met.total() == 1

"""SIGTERM: nobody is cut off, what is under way is finished or handed back, and the exit code is 0."""

import asyncio
import signal
import time
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Gate, halted, whole
from tests.system.support.connection import Answered, Connection, Refused, one_exchange, post
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import assert_archived, new_job
from tests.system.support.load import Tally, Target, keep_posting
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

CLIENTS = 16
ANSWERS_BEFORE = 300
DRAIN = 10


@pytest.mark.long
@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
async def test_under_load_every_request_is_answered_or_was_refused_before_it_was_sent(start: Start, tls: bool) -> None:
    service = await start(tls=tls, SERVER__DRAIN_TIMEOUT=f"{DRAIN}s")
    target = Target(service.port, service.tls, urlsplit(await service.api.mint()).path)
    tally = Tally()

    async def loaded() -> bool | None:
        return len(tally.statuses) >= ANSWERS_BEFORE or None

    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(keep_posting(target, tally, keep_alive=number % 2 == 0))
        await eventually(loaded, what=f"{ANSWERS_BEFORE} answers", within=60)
        asked_at = time.monotonic()
        assert await service.stop() == 0
        assert time.monotonic() - asked_at < DRAIN
    assert tally.cut == []
    assert set(tally.statuses) == {202}
    assert tally.goodbyes > 0, "no kept connection was told that it ends"

    await service.start()
    assert {task["id"] for task in await service.api.all("/v1/tasks")} == tally.taken


@pytest.mark.long
async def test_connections_that_the_kernel_took_before_the_signal_are_answered(start: Start) -> None:
    service = await start(tls=False)
    path = urlsplit(await service.api.mint()).path
    await service.halt()  # it accepts nothing, while the kernel goes on taking connections
    connections = [await connected(service) for _ in range(CLIENTS)]
    for connection in connections:
        assert await connection.send(post(path, task_object(new_task_id(), status="processing"))) is None
    service.signal(signal.SIGTERM)
    service.signal(signal.SIGCONT)
    outcomes = await asyncio.gather(*(connection.answer() for connection in connections))
    for connection in connections:
        await connection.close()
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answered)] == [202] * CLIENTS
    assert await service.ended() == 0


@pytest.mark.long
async def test_a_request_that_meets_the_closing_of_the_listener_is_not_cut(start: Start) -> None:
    service = await start(tls=False)
    path = urlsplit(await service.api.mint()).path

    async def draining() -> bool | None:
        return '"draining"' in service.log or None

    service.signal(signal.SIGTERM)
    await eventually(draining, what="the service drains", every=0.005)
    await service.halt()
    request = post(path, task_object(new_task_id(), status="processing"))
    asking = asyncio.create_task(one_exchange(service.port, None, request))
    await asyncio.sleep(0.5)  # it connects and sends, or is held off; and the server's time to close has come
    service.signal(signal.SIGCONT)
    assert isinstance(await asking, Answered | Refused)
    assert await service.ended() == 0


async def test_a_request_that_is_half_sent_when_the_service_is_asked_to_stop_is_answered(start: Start) -> None:
    service = await start()
    path = urlsplit(await service.api.mint()).path
    task_id = new_task_id()
    request = post(path, task_object(task_id, status="processing"))
    connection = await connected(service)
    assert await connection.send(request[:-10]) is None
    service.signal(signal.SIGTERM)
    await refuses_connections(service)
    outcome = await connection.exchange(request[-10:])
    await connection.close()
    assert isinstance(outcome, Answered)
    assert (outcome.status, outcome.closes) == (202, True)
    assert await service.ended() == 0
    await service.start()
    assert (await service.api.get(f"/v1/tasks/{task_id}"))["id"] == task_id


async def test_a_download_under_way_is_finished_before_the_process_ends(start: Start, image_host: ImageHost) -> None:
    service, gate = await start(), Gate()
    job = new_job(image_host, lambda picture: (halted(picture, gate),))
    await call_back(service.api.client, await service.api.mint(), job.body)
    await asyncio.wait_for(gate.reached.wait(), 20)
    service.signal(signal.SIGTERM)
    await refuses_connections(service)
    gate.opened.set()
    assert await service.ended() == 0
    await service.start()
    await assert_archived(service, job)
    assert image_host.asked_for(job.links[0]) == 1


@pytest.mark.long
async def test_a_download_that_takes_too_long_is_handed_back_and_is_no_attempt(
    start: Start, image_host: ImageHost
) -> None:
    service, gate = await start(SERVER__DRAIN_TIMEOUT="1s"), Gate()
    job = new_job(image_host, lambda picture: (halted(picture, gate), whole(picture)), side=500)
    await call_back(service.api.client, await service.api.mint(), job.body)
    await asyncio.wait_for(gate.reached.wait(), 20)
    assert await service.stop() == 0
    assert service.archive.staged() == []
    await service.start()
    await assert_archived(service, job, within=15)  # well before a lease of 30 s would end


async def connected(service: Darkroom) -> Connection:
    connection = await Connection.open(service.port, service.tls)
    assert isinstance(connection, Connection)
    return connection


async def refuses_connections(service: Darkroom) -> None:
    """Wait until no new connection is taken."""

    async def refused() -> bool | None:
        connection = await Connection.open(service.port, service.tls)
        if isinstance(connection, Refused):
            return True
        await connection.close()
        return None

    await eventually(refused, what="new connections are refused")

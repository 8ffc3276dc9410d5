"""Until it is delivered or given up: attempts in order, at least once, by the ladder, whatever breaks in between."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.archive.leases import Leases
from service.archive.worker import Worker
from service.background import Nudge
from service.domain.lease import LEASE
from service.domain.telling import LADDER, DeliveryStatus
from service.errors import Unavailable
from tests.notify.receiver import OK, Receiver, receiving, silence, status
from tests.notify.world import World, dead_image, endpoint, image, task
from tests.support.deliveries import NOW, TASK
from tests.support.starved import no_more_files

OOPS = status("500 Oops")


def ids(host: Receiver) -> list[str]:
    return [post.headers["webhook-id"] for post in host.posts]


async def test_a_tasks_events_arrive_in_order_also_when_attempts_fail(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        host.answers = [OK, OOPS, OOPS]
        await world.tell(task(), image(0), dead_image(1), image(2))
        for wait in (0, 5, 300):
            world.clock.move(seconds=wait)
            await world.deliver()
    kept = [one.event_id for one in await world.deliveries()]
    assert ids(host) == [kept[0], kept[1], kept[1], kept[1], kept[2], kept[3]]
    assert [one.attempts for one in await world.deliveries()] == [1, 3, 1, 1]
    assert {one.status for one in await world.deliveries()} == {DeliveryStatus.DELIVERED}


async def test_an_endpoint_that_never_takes_it_is_given_up_by_the_ladder_and_the_next_event_has_its_turn(
    world: World,
) -> None:
    async with receiving(OOPS) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task(), image(0))
        await world.deliver()
        for number, wait in enumerate(LADDER, start=1):
            assert len(host.posts) == number
            world.clock.now += wait - timedelta(milliseconds=1)
            assert await world.deliver() == []
            world.clock.now += timedelta(milliseconds=1)
            await world.deliver()
    first, second = await world.deliveries()
    assert (first.status, first.attempts, first.detail) == (
        DeliveryStatus.DEAD,
        len(LADDER) + 1,
        "127.0.0.1 answered 500",
    )
    assert (second.status, second.attempts) == (DeliveryStatus.PENDING, 1)
    assert world.tally.outcomes == {"failed": len(LADDER) + 1, "dead": 1}


@pytest.mark.parametrize("line", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
async def test_any_2xx_is_a_success(world: World, line: str) -> None:
    async with receiving(status(line)) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        await world.deliver()
    [one] = await world.deliveries()
    assert (one.status, one.ended_at, one.detail) == (DeliveryStatus.DELIVERED, NOW, None)
    assert world.tally.outcomes == {"delivered": 1}


@pytest.mark.parametrize("line", ["301 Moved Permanently", "304 Not Modified", "400 Bad", "404 Not Found", "502 Bad"])
async def test_anything_else_is_tried_again(world: World, line: str) -> None:
    async with receiving(status(line)) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        await world.deliver()
    [one] = await world.deliveries()
    assert (one.status, one.detail) == (DeliveryStatus.PENDING, f"127.0.0.1 answered {line[:3]}")
    assert one.next_attempt_at == NOW + timedelta(seconds=5)


async def test_an_endpoint_that_calls_itself_gone_is_believed_at_once(world: World) -> None:
    async with receiving(status("410 Gone")) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        await world.deliver()
    [one] = await world.deliveries()
    assert (one.status, one.attempts, one.detail) == (DeliveryStatus.DEAD, 1, "127.0.0.1 answered 410")


@pytest.mark.parametrize(
    ("line", "asked", "seconds"),
    [
        ("429 Too Many Requests", "120", 120),
        ("503 Service Unavailable", "7200", 3600),
        ("503 Service Unavailable", "1", 5),
        ("503 Service Unavailable", "soon", 5),
        ("500 Oops", "120", 5),
    ],
)
async def test_who_asks_to_be_left_alone_for_a_while_is(world: World, line: str, asked: str, seconds: int) -> None:
    async with receiving(status(line, f"Retry-After: {asked}")) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        await world.deliver()
    [one] = await world.deliveries()
    assert one.next_attempt_at == NOW + timedelta(seconds=seconds)


async def test_a_crash_after_the_post_and_before_it_is_written_down_has_it_made_again_by_the_same_id(
    world: World,
) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        async with world.courier() as courier:
            [claimed] = await courier.claim(1)

            async def dies(_post: Any, writer: asyncio.StreamWriter) -> None:
                crashed.cancel()
                writer.write(OK)

            host.answers = [dies]
            crashed = asyncio.create_task(courier.work(claimed))
            await asyncio.wait([crashed])
            assert crashed.cancelled()
        assert await world.deliver() == []
        world.clock.now += LEASE
        assert len(await world.deliver()) == 1
    assert len(host.posts) == 2
    assert len(set(ids(host))) == 1
    assert host.posts[0].body == host.posts[1].body
    [one] = await world.deliveries()
    assert (one.status, one.attempts) == (DeliveryStatus.DELIVERED, 1)


async def test_an_outcome_under_a_lost_claim_changes_nothing(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        host.answers = [OOPS]
        await world.tell(task())
        async with world.courier() as courier:
            [late] = await courier.claim(1)
            world.clock.now += LEASE
            [current] = await courier.claim(1)
            with capture_logs() as lines:
                await courier.work(late)
            assert [line["event"] for line in lines] == ["event_outcome_dropped"]
            await courier.work(current)
            await courier.work(late)  # it is told by now: nothing more is sent
    [one] = await world.deliveries()
    assert (one.status, one.attempts) == (DeliveryStatus.DELIVERED, 1)
    assert len(host.posts) == 2


async def test_what_is_for_an_endpoint_that_only_other_processes_know_is_left_to_them(world: World) -> None:
    await world.tell(task(), image(0))
    world.endpoints = ()
    assert await world.deliver() == []
    shown = [(one.status, one.attempts, one.detail) for one in await world.deliveries()]
    assert shown == [(DeliveryStatus.PENDING, 0, None)] * 2
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.deliver()
    assert len(host.posts) == 2


async def test_want_of_descriptors_of_our_own_is_no_attempt(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        async with world.courier() as courier:
            [claimed] = await courier.claim(1)
            with no_more_files(), pytest.raises(Unavailable):
                await courier.work(claimed)
            await courier.release(claimed, after=timedelta(seconds=2))
        [one] = await world.deliveries()
        assert (one.status, one.attempts) == (DeliveryStatus.PENDING, 0)
        world.clock.move(seconds=2)
        await world.deliver()
    assert len(host.posts) == 1


async def test_every_attempt_is_one_line(world: World) -> None:
    async with receiving() as host:
        host.answers = [OOPS]
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task(settled_at=None), image(0))
        with capture_logs() as lines:
            await world.deliver()
            world.clock.move(seconds=5)
            await world.deliver()
    [event_id] = {one.event_id for one in await world.deliveries()}
    failed, delivered = lines
    assert failed["seconds"] < 10
    assert {**failed, "seconds": 0} == {
        "event": "event_failed",
        "log_level": "warning",
        "event_id": event_id,
        "type": "asset.archived",
        "task_id": TASK,
        "endpoint": "shop",
        "attempt": 1,
        "detail": "127.0.0.1 answered 500",
        "next_attempt_at": "2026-05-01T12:00:05+00:00",
        "seconds": 0,
    }
    assert (delivered["event"], delivered["log_level"], delivered["attempt"]) == ("event_delivered", "info", 2)


async def test_one_slow_endpoint_does_not_keep_the_others_waiting_and_leases_are_renewed(world: World) -> None:
    """With a worker as it runs: of its places, half are with the one that never answers."""
    async with receiving(silence) as slow, receiving() as good, asyncio.timeout(60):
        world.endpoints = (endpoint("slow", slow.url()), endpoint("good", good.url()))
        await world.tell_many(12)
        async with world.courier(places=4) as courier:
            worker = Worker(name="events", job=courier, concurrency=4, nudge=Nudge())
            leases = Leases(catalog=world.catalog, worker=worker, renew=lambda tx, held: tx.events.renew(held))
            loops = [asyncio.create_task(worker.run()), asyncio.create_task(leases.run())]
            while world.tally.outcomes["delivered"] < 12 or {one.endpoint for one in worker.held} != {"slow"}:
                await asyncio.sleep(0.01)
            assert (len(good.posts), len(slow.posts), len(worker.held)) == (12, 2, 2)
            await worker.stop(0)
            for loop in loops:
                loop.cancel()
            await asyncio.wait(loops)
        free = await world.catalog.write(
            lambda tx: tx.events.claim(100, names=("good", "slow"), held={}, hosts={}, most=100)
        )
        assert len(free) == 12

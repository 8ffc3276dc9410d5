"""Endpoints that do what they should not: slow, endless, leading inside. Nothing is kept of them, nothing goes in."""

import asyncio
from datetime import timedelta
from time import monotonic

import pytest

from service.domain.telling import DeliveryStatus
from tests.notify.receiver import Post, drops, receiving, silence, status
from tests.notify.world import World, endpoint, task
from tests.outbound.origin import names_at
from tests.support.deliveries import NOW

GUARDED = ("127.0.0.1/32",)


async def detail_of(world: World, **guard: object) -> str | None:
    """Why the one delivery failed that there is."""
    await world.tell(task())
    await world.deliver(**guard)
    [one] = await world.deliveries()
    assert (one.status, one.attempts) == (DeliveryStatus.PENDING, 1)
    assert one.next_attempt_at == NOW + timedelta(seconds=5)
    return one.detail


async def test_one_that_says_nothing_is_given_up_in_time(world: World) -> None:
    async with receiving(silence) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        before = monotonic()
        assert await detail_of(world, total_timeout=0.2) == "127.0.0.1: no answer in time"
        assert monotonic() - before < 5


async def test_one_that_hangs_up_is_unreachable(world: World) -> None:
    async with receiving(drops) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        assert await detail_of(world) == "127.0.0.1: the connection was lost"


async def test_a_failure_with_an_endless_page_is_read_no_further_than_needed(world: World) -> None:
    sent = 0

    async def endless(_post: Post, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"<p>" * 20_000)
            sent += 60_000
            await writer.drain()
            await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever

    async with receiving(endless) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        assert await detail_of(world) == "127.0.0.1 answered 500"
    assert sent < 16 * 1024 * 1024


@pytest.mark.parametrize("location", ["https://127.0.0.2:{port}/inside", "https://[::1]:{port}/", "/again"])
async def test_a_redirect_is_a_failure_and_leads_nowhere(world: World, location: str) -> None:
    async with receiving() as outer, receiving(address="127.0.0.2", port=outer.port) as inner:
        outer.usual = status("307 Temporary Redirect", f"Location: {location.format(port=outer.port)}")
        world.endpoints = (endpoint("shop", outer.url()),)
        assert await detail_of(world) == "127.0.0.1 answered 307"
        assert (len(outer.posts), inner.connections) == (1, 0)


async def test_a_name_that_leads_inside_gets_nothing_and_is_tried_again_later(world: World) -> None:
    """It is the operator's own, who may yet trust that network."""
    async with receiving(address="127.0.0.2") as inner:
        world.endpoints = (endpoint("shop", inner.url(host="files.evolink.test")),)
        lookup = names_at(files__evolink__test=["127.0.0.2"])
        detail = await detail_of(world, trusted=GUARDED, lookup=lookup)
        assert detail == "files.evolink.test: 127.0.0.2 is a loopback address (RFC 1122)"
        assert inner.connections == 0
        world.clock.move(seconds=5)
        await world.deliver(trusted=("127.0.0.2/32",), lookup=lookup)
        assert len(inner.posts) == 1


async def test_a_public_address_at_another_port_gets_nothing(world: World) -> None:
    world.endpoints = (endpoint("shop", "https://files.evolink.test:8443/hooks"),)
    detail = await detail_of(world, trusted=(), lookup=names_at(files__evolink__test=["1.1.1.1"]))
    assert detail == "files.evolink.test: port 8443 is not 443"


async def test_a_long_host_makes_no_long_detail(world: World) -> None:
    host = ".".join(["x" * 60] * 4)
    world.endpoints = (endpoint("shop", f"https://{host}/hooks"),)
    detail = await detail_of(world, lookup=names_at())
    assert detail is not None
    assert len(detail) == 200

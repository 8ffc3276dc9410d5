"""`/live`: what changes is told as it changes, to who may know it, and costs nothing while nobody listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from starlette.types import Message

from service.catalog.catalog import Catalog, Transaction
from service.gallery.live import MOST_LISTENERS, Pulse, Pulses
from tests.support.app import House, assert_problem
from tests.support.pages import Browser, browsing
from tests.web.virtual_time import run

T = TypeVar("T")

NOTHING = Pulse(0, 0, 0, 0, 0, 0, 0, None, None)
WITHIN = 60.0
"""Seconds: after a count of which a busy machine made a second, the next one is 50 seconds away."""


class Stream:
    """What one listener hears, as it comes."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}

    async def begin(self) -> None:
        message = await self.messages.get()
        self.status = message["status"]
        self.headers = {name.decode(): value.decode() for name, value in message["headers"]}

    async def event(self) -> dict[str, Any] | None:
        """The next event, None at the end."""
        while True:
            message = await self.messages.get()
            if not message.get("more_body"):
                return None
            if message["body"].startswith(b"data: "):
                told: dict[str, Any] = json.loads(message["body"].removeprefix(b"data: "))
                return told

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN):
            while (event := await self.event()) is not None:
                if wanted(event):
                    return event
        raise AssertionError("the stream ended")

    async def rest(self) -> list[dict[str, Any]]:
        """All that comes until the end."""
        told = []
        async with asyncio.timeout(WITHIN):
            while (event := await self.event()) is not None:
                told.append(event)
        return told


@asynccontextmanager
async def listening(house: House, browser: Browser) -> AsyncIterator[Stream]:
    """A listener, as a server hands its request over; it hangs up at the end."""
    stream, gone = Stream(), asyncio.Event()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/live",
        "raw_path": b"/live",
        "query_string": b"",
        "headers": [(b"cookie", cookie.encode()), (b"sec-fetch-dest", b"empty")],
        "client": ("127.0.0.1", 1234),
        "server": ("darkroom.example.com", 443),
    }

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    answering = asyncio.ensure_future(house.app(scope, receive, stream.messages.put))
    await stream.begin()
    yield stream
    gone.set()
    await answering


async def test_the_state_is_told_at_once_and_again_when_it_changes(house: House, browser: Browser) -> None:
    async with listening(house, browser) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert await stream.event() == {
            **dict.fromkeys(("tasks", "archived", "unconfirmed", "pending", "waiting", "dead", "bytes"), 0),
            "next_expiry": None,
            "newest": None,
        }
        await house.complete("task-a")
        await stream.until(lambda told: told["pending"] == 1 and told["next_expiry"] is not None)
        await house.archive()
        told = await stream.until(lambda told: bool(told["archived"] == 1))
        assert told["bytes"] > 0
        assert told["newest"] == (await house.json("/v1/assets/task-a.0"))["archived_at"]


async def test_who_ends_with_a_key_hears_nothing_more(house: House, browser: Browser) -> None:
    made = (await house.admin.post("/v1/keys", json={"name": "shop", "scopes": ["read"]})).json()
    async with browsing(house, made["key"]) as other, listening(house, other) as cut, listening(house, browser) as on:
        await cut.event()
        await house.admin.delete(f"/v1/keys/{made['id']}")
        await house.complete("task-a")
        assert await cut.rest() == []
        await on.until(lambda told: bool(told["pending"] == 1))


async def test_a_service_that_is_to_stop_ends_what_listens(house: House, browser: Browser) -> None:
    async with listening(house, browser) as stream:
        await stream.event()
        house.parts.readiness.drain()
        assert await stream.rest() == []


async def test_more_listeners_than_there_is_room_for_are_told_to_come_again(house: House, browser: Browser) -> None:
    async with AsyncExitStack() as many:
        for _ in range(MOST_LISTENERS):
            assert (await many.enter_async_context(listening(house, browser))).status == 200
        refused = await browser.client.get("/live", headers={"Sec-Fetch-Dest": "empty"})
        assert_problem(refused, 503, "unavailable")
        assert refused.headers["retry-after"]
    async with listening(house, browser) as stream:
        assert stream.status == 200, "who left makes room"


async def test_who_asks_for_headers_alone_gets_them_and_an_end(house: House, browser: Browser) -> None:
    async with asyncio.timeout(WITHIN):
        answer = await browser.client.head("/live")
    assert (answer.status_code, answer.content) == (200, b"")


class Counted(Catalog):
    """A catalog that counts how often somebody looks."""

    def __init__(self) -> None:
        super().__init__(Path("never-opened.db"))
        self.looks = 0

    async def read(self, work: Callable[[Transaction], T]) -> Any:
        self.looks += 1
        return NOTHING


def test_nobody_looks_at_the_database_unless_somebody_listens_and_one_look_is_for_all() -> None:
    async def watched() -> list[int]:
        catalog = Counted()
        pulses = Pulses(catalog, draining=lambda: False, look_every=1.0)
        seen = []
        await asyncio.sleep(10.5)
        seen.append(catalog.looks)
        with pulses.listening(), pulses.listening(), pulses.listening():
            assert await pulses.next(None, within=1) == NOTHING
            await asyncio.sleep(10.5)
        seen.append(catalog.looks)
        await asyncio.sleep(10.5)
        seen.append(catalog.looks)
        with pulses.listening():
            await asyncio.sleep(0.5)
        return [*seen, catalog.looks]

    assert run(watched()) == [0, 11, 11, 12]


class FailingAtFirst(Catalog):
    """A catalog whose first look ends in a way that nobody has thought of."""

    def __init__(self, catalog: Catalog) -> None:
        self._inner = catalog
        self.looks = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        self.looks += 1
        if self.looks == 1:
            raise RuntimeError("never thought of")
        return await self._inner.read(work)


async def test_a_look_that_fails_in_a_new_way_is_followed_by_another(house: House) -> None:
    pulses = Pulses(FailingAtFirst(house.parts.catalog), draining=lambda: False, look_every=0.01)
    with pulses.listening():
        async with asyncio.timeout(WITHIN):
            while (pulse := await pulses.next(None, within=1)) is None:
                pass
    assert pulse == NOTHING

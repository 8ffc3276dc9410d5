"""The process from inside: orders side by side, and what a mistake of ours costs."""

import asyncio
from pathlib import Path

from service.archive.fetcher import Fetched, Fetcher
from service.archive.staged_file import staged_path
from service.domain.attempt import Failed
from service.fetching.child import Orders
from service.fetching.lines import Broken, Drop, Dropped, Fetch, Outcome, order_line, read_number, read_outcome
from tests.outbound.origin import always, guarded_client, origin, reply
from tests.support.hostile_images import encoded, noise

LINK = "https://files.evolink.test/secret.png"
IMAGE = encoded(noise(), "PNG")


class Mistaken(Fetcher):
    """Meets something that nobody has thought of."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def fetch(self, link: str, path: Path) -> Fetched | Failed:
        self.begun.set()
        if path.name == "waits":
            await asyncio.Event().wait()
        raise KeyError(link)


def told(lines: list[bytes], path: Path) -> dict[int, Outcome]:
    return {number: read_outcome(plain, path) for number, plain in map(read_number, lines)}


def reader_of(*orders: Fetch | Drop) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for order in orders:
        reader.feed_data(order_line(order))
    return reader


async def test_a_mistake_costs_one_order_and_does_not_tell_the_link(tmp_path: Path) -> None:
    lines: list[bytes] = []
    mistaken = Mistaken()
    reader = reader_of(Fetch(1, LINK, tmp_path / "fails"), Fetch(2, LINK, tmp_path / "waits"))
    following = asyncio.create_task(Orders(mistaken, lines.append).follow(reader))
    while not lines:
        await asyncio.sleep(0)
    [outcome] = told(lines, tmp_path).values()
    assert isinstance(outcome, Broken)
    assert outcome.where.startswith("KeyError at ")
    assert "secret" not in lines[0].decode()
    reader.feed_data(order_line(Drop(2)))
    reader.feed_eof()
    await following
    assert told(lines, tmp_path)[2] == Dropped()


async def test_a_file_that_nobody_can_be_told_of_is_removed(tmp_path: Path) -> None:
    """Who ordered it is dead."""
    asked = asyncio.Event()

    def gone(_: bytes) -> None:
        asked.set()
        raise BrokenPipeError

    path = staged_path(tmp_path)
    async with origin(always(reply(IMAGE))) as host, guarded_client() as client:
        fetcher = Fetcher(client=client, max_bytes=10**7, max_pixels=10**6, total_timeout=10)
        reader = reader_of(Fetch(1, host.url(), path))
        following = asyncio.create_task(Orders(fetcher, gone).follow(reader))
        await asyncio.wait_for(asked.wait(), 10)
        reader.feed_eof()
        await following
    assert list(tmp_path.iterdir()) == []


async def test_a_drop_that_comes_too_late_is_nothing(tmp_path: Path) -> None:
    lines: list[bytes] = []
    reader = reader_of(Drop(7))
    reader.feed_eof()
    await Orders(Mistaken(), lines.append).follow(reader)
    assert lines == []

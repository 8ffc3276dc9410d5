"""The process that fetches for the service: orders come in by stdin, what came of them goes out by stdout.

It has no secret but those of a proxy and of links, knows no catalog and no store, and ends with its stdin: files of
orders that were not told of are gone by then.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvloop

import service
from service.archive.fetcher import Fetcher
from service.errors import Unavailable
from service.fetching.lines import (
    LONGEST,
    Broken,
    Drop,
    Dropped,
    Fetch,
    Outcome,
    Terms,
    outcome_line,
    read_order,
    read_terms,
)
from service.outbound.address_policy import AddressPolicy
from service.outbound.guarded_client import GuardedClient, Timeouts
from service.outbound.tls import tls_context

STEPS_BACK = 5
"""Of `nice`, behind the service itself: a provider that waits for its answer comes before an image that waits to be
fetched. What nobody else wants of the processors is still its own."""

_STDOUT = 1
_OURS = str(Path(service.__file__).parent)


async def main() -> None:
    """Fetch until nobody gives orders any more."""
    _stand_back()
    orders = await _stdin()
    terms = read_terms(await orders.readline())
    async with _client(terms) as client:
        fetcher = Fetcher(
            client=client,
            max_bytes=terms.max_bytes,
            max_pixels=terms.max_pixels,
            total_timeout=terms.total_timeout,
        )
        await Orders(fetcher, _tell).follow(orders)


class Orders:
    """Carries out orders side by side; `tell` is given a line for each."""

    def __init__(self, fetcher: Fetcher, tell: Callable[[bytes], None]) -> None:
        self._fetcher = fetcher
        self._tell = tell
        self._running: dict[int, asyncio.Task[None]] = {}

    async def follow(self, orders: asyncio.StreamReader) -> None:
        """Until there are no more; what is under way then is given up."""
        try:
            while line := await orders.readline():
                match read_order(line):
                    case Fetch() as order:
                        self._running[order.number] = asyncio.create_task(self._fetch(order))
                    case Drop(number):
                        if (task := self._running.get(number)) is not None:
                            task.cancel()
        finally:
            running = list(self._running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _fetch(self, order: Fetch) -> None:
        try:
            outcome = await self._outcome(order)
        except asyncio.CancelledError:
            outcome = Dropped()
        finally:
            del self._running[order.number]
        try:
            self._tell(outcome_line(order.number, outcome))
        except OSError:  # who ordered it is gone
            order.path.unlink(missing_ok=True)

    async def _outcome(self, order: Fetch) -> Outcome:
        try:
            return await self._fetcher.fetch(order.link, order.path)
        except Unavailable as error:
            return error
        except Exception as error:  # noqa: BLE001 - a mistake of ours costs one order, not those beside it
            return Broken(_where(error))


def _where(error: Exception) -> str:
    """The error's type and the place in our own code where it came up: its message might tell a link."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_OURS)]
    return f"{type(error).__name__} at " + " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in ours[::-1])


def _client(terms: Terms) -> GuardedClient:
    return GuardedClient(
        allowed_hosts=terms.allowed_hosts,
        policy=AddressPolicy(terms.trusted_networks),
        tls=tls_context(terms.ca_file),
        timeouts=Timeouts(connect=terms.connect_timeout, read=terms.read_timeout),
        user_agent=terms.user_agent,
        proxy=terms.proxy,
        max_connections=terms.max_connections,
    )


def _stand_back() -> None:
    """Let the service go first where there is too little time for both.

    Where Linux groups processes by their sessions (sched(7), "The autogroup feature"), as it does outside containers,
    `nice` counts within a group only, and this process is alone in one: the group stands back too.
    """
    os.nice(STEPS_BACK)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(STEPS_BACK), encoding="ascii")


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _tell(line: bytes) -> None:
    while line:
        line = line[os.write(_STDOUT, line) :]


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        uvloop.run(main())

"""The process that fetches, as the service holds it: started when it is needed, and again when it is gone.

Where the process dies, what was under way says nothing of any link: it is tried again. It knows no catalog.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import assert_never

import structlog

import service
from service.archive.fetcher import Fetched
from service.archive.staged_file import staged_path
from service.domain.attempt import Failed
from service.errors import Unavailable
from service.fetching.lines import (
    LONGEST,
    Broken,
    Drop,
    Dropped,
    Fetch,
    GarbledError,
    Outcome,
    Terms,
    order_line,
    read_number,
    read_outcome,
    terms_line,
)

ANSWER_LATE = 30.0
"""Seconds beyond the time that a link has, after which the process is taken for stuck; it starts in less than one."""

PROGRAM = (sys.executable, "-P", "-m", "service.fetching.child")

END_WITHIN = 3.0
"""Seconds that it has to give up what it is at."""

_INHERITED = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "OPENSSL_CONF", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "TZ"),
)
"""What says how libraries are found, whom to believe, and how names are looked up; secrets are in others."""

_OF_ITS_OWN = {
    "PYTHONPATH": str(Path(service.__file__).parent.parent),
    "PYTHONDONTWRITEBYTECODE": "1",
    "MALLOC_ARENA_MAX": "2",  # with the next: 15 MiB less for 64 downloads, for a tenth of processor time
    "MALLOC_TRIM_THRESHOLD_": "4000000",
    "MALLOC_MMAP_THRESHOLD_": "2000000",  # or each record of TLS gets pages of its own from the kernel, and clears them
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Order:
    """One that is under way: the file it writes, and who waits for what comes of it."""

    path: Path
    told: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FetchProcess:
    """Fetches links into `staging` by a process of its own; end that with `aclose`."""

    def __init__(
        self, terms: Terms, *, staging: Path, answer_late: float = ANSWER_LATE, program: Sequence[str] = PROGRAM
    ) -> None:
        self._terms = terms
        self._program = program
        self._staging = staging
        self._within = terms.total_timeout + answer_late
        self._starting = asyncio.Lock()
        self._child: _Child | None = None
        self._closed = False
        self.under_way = 0
        """Orders that it has."""

    async def start(self) -> None:
        """Have the process come up, if there is none. Raises Unavailable."""
        await self._at_work()

    async def aclose(self) -> None:
        """End the process; nothing that it was at is left in `staging`."""
        async with self._starting:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def fetch(self, link: str) -> Fetched | Failed:
        """Fetch and prove one link. Raises StorageUnavailable when our own disk does not take the bytes, and
        Unavailable when no connection can be opened or the process is gone: none of them says anything of the link.

        Nothing stays behind in `staging` unless the outcome is Fetched, cancellation included.
        """
        self.under_way += 1
        try:
            outcome = await self._ordered(link)
        finally:
            self.under_way -= 1
        match outcome:
            case Fetched() | Failed():
                return outcome
            case Unavailable():
                raise outcome
            case Broken(where):
                raise RuntimeError(f"fetching failed: {where}")
            case Dropped():
                raise Unavailable("the process that fetches was ended")
            case _:
                assert_never(outcome)

    async def _ordered(self, link: str) -> Outcome:
        child = await self._at_work()
        try:
            async with asyncio.timeout(self._within):
                return await child.fetch(link, staged_path(self._staging))
        except TimeoutError:
            child.kill()
            raise Unavailable("the process that fetches does not answer") from None

    async def _at_work(self) -> "_Child":
        """The process that takes orders, started if there is none. Raises Unavailable."""
        async with self._starting:
            if self._closed:
                raise _gone()
            if self._child is None or self._child.is_gone:
                self._child = await _Child.start(self._program, self._terms)
            return self._child


class _Child:
    """One process, from its start to its end."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._orders: dict[int, _Order] = {}
        self._numbers = count()
        self.is_gone = False
        self._listening = asyncio.create_task(self._listen(), name="fetching")

    @classmethod
    async def start(cls, program: Sequence[str], terms: Terms) -> "_Child":
        """Raises Unavailable where none can be had."""
        try:
            process = await asyncio.create_subprocess_exec(
                *program,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=LONGEST,
                env=_environment(),
                start_new_session=True,  # what is typed at a terminal is for the service
            )
        except OSError as error:
            raise Unavailable(f"no process that fetches can be started: {error.strerror}", retry_after=5) from None
        child = cls(process)
        child._write(terms_line(terms))  # it comes up meanwhile
        return child

    async def fetch(self, link: str, path: Path) -> Outcome:
        """What came of it; who is cancelled drops the order."""
        if self.is_gone:
            return _gone()
        number, order = next(self._numbers), _Order(path)
        self._orders[number] = order
        self._write(order_line(Fetch(number, link, path)))
        try:
            return await order.told
        except asyncio.CancelledError:
            self._write(order_line(Drop(number)))
            raise

    def kill(self) -> None:
        """Whoever waits for it is told that it is gone."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> None:
        """Let it give up what it is at, and wait until nothing of it is left."""
        self._stdin.close()
        await self._has_ended()
        await self._listening
        with suppress(OSError):
            await self._stdin.wait_closed()

    async def _has_ended(self) -> None:
        try:
            async with asyncio.timeout(END_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def _write(self, line: bytes) -> None:
        """Orders are short and few: a pipe that does not take them fills memory with some hundred at most."""
        self._stdin.write(line)

    async def _listen(self) -> None:
        """Tell whoever waits what came of their orders, until the process is gone."""
        try:
            while line := await self._stdout.readline():
                self._hear(line)
        except (GarbledError, ValueError, OSError) as error:  # ValueError: a line without an end
            log.error("fetching_process_not_understood", reason=str(error))
            self.kill()
        finally:
            self.is_gone = True
            await self._has_ended()
            self._give_up()

    def _hear(self, line: bytes) -> None:
        """Raises GarbledError for what is no answer to an order that is under way."""
        number, told = read_number(line)
        if (order := self._orders.get(number)) is None:
            raise GarbledError("it tells of an order that is not under way")
        outcome = read_outcome(told, order.path)
        del self._orders[number]
        if not order.told.done():
            order.told.set_result(outcome)
        elif isinstance(outcome, Fetched):  # dropped too late
            outcome.path.unlink(missing_ok=True)

    def _give_up(self) -> None:
        """What it left half done is removed, and who waits for it is told."""
        orders, self._orders = list(self._orders.values()), {}
        for order in orders:
            with suppress(OSError):  # what cannot be removed is left for the sweep at the next start
                order.path.unlink(missing_ok=True)
            if not order.told.done():
                order.told.set_result(_gone())


def _gone() -> Unavailable:
    return Unavailable("the process that fetches ended")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | _OF_ITS_OWN

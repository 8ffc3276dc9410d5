"""A duty that one process at a time does for all: elected by the database, and done while its lease lasts.

Nothing depends on there being only one for a moment: a process that was asleep may go on until it looks again.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from service.background import Background, Run
from service.catalog.catalog import Catalog
from service.domain.lease import LEASE, RENEW_EVERY
from service.errors import CatalogUnavailable

HOUR = 3600.0

log = structlog.get_logger(__name__)


class Elected:
    """Runs `run` whenever this process has the duty of that name, and stops it when it has it no longer."""

    def __init__(
        self,
        name: str,
        run: Run,
        *,
        catalog: Catalog,
        every: float = RENEW_EVERY.total_seconds(),
        give_up_after: float = LEASE.total_seconds(),
    ) -> None:
        self._name = name
        self._run = run
        self._catalog = catalog
        self._every = every
        self._give_up_after = give_up_after
        self._holder = secrets.token_hex(8)

    async def run(self) -> None:
        """Stand for election for ever; raises what the duty raises, and gives it back then."""
        while True:
            if await self._take():
                await self._serve()
            await asyncio.sleep(self._every)

    async def _serve(self) -> None:
        """Do the duty until the lease is lost."""
        log.info("duty_taken", duty=self._name)
        doing, keeping = asyncio.ensure_future(self._run()), asyncio.create_task(self._keep())
        try:
            ended, _ = await asyncio.wait([doing, keeping], return_when=asyncio.FIRST_COMPLETED)
            for one in ended:
                one.result()
        finally:
            for one in (doing, keeping):
                one.cancel()
            await asyncio.gather(doing, keeping, return_exceptions=True)
            with suppress(CatalogUnavailable):  # it ends by itself then
                await self._catalog.write(lambda tx: tx.duties.give_back(self._name, self._holder))
            log.info("duty_ended", duty=self._name)

    async def _keep(self) -> None:
        """Renew the lease; returns when somebody else has it, or when it ended because the database was away."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < self._give_up_after:
            await asyncio.sleep(self._every)
            asked = loop.time()
            try:
                if not await self._take():
                    return
            except CatalogUnavailable:
                continue
            renewed = asked

    async def _take(self) -> bool:
        return await self._catalog.write(lambda tx: tx.duties.take(self._name, self._holder))


def hourly(work: Callable[[], Awaitable[object]]) -> Run:
    """A duty that is done at once, and then every hour."""

    async def run() -> None:
        while True:
            await work()
            await asyncio.sleep(HOUR)

    return run


def start_duty(name: str, run: Run, *, catalog: Catalog, background: Background) -> None:
    """Do this in the background for as long as this process is elected to."""
    background.start(name, Elected(name, run, catalog=catalog).run, ends_first=True)

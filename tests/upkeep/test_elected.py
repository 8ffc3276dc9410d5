"""A duty that several processes stand for: one does it, another goes on, and it ends where the lease does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

import pytest

from service.background import Background, Run
from service.catalog.catalog import Catalog, Transaction
from service.upkeep.elected import Elected

SOON = 0.01


class Doing:
    """A duty that notes who is at it."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.ever: list[str] = []

    def by(self, who: str) -> Run:
        async def run() -> NoReturn:
            self.now.append(who)
            self.ever.append(who)
            try:
                await asyncio.Event().wait()
            finally:
                self.now.remove(who)
            raise AssertionError

        return run

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not met():
                await asyncio.sleep(SOON)


@asynccontextmanager
async def standing(catalog: Catalog, run: Run, *, give_up_after: float = 30.0) -> AsyncIterator[Background]:
    background = Background()
    background.start("duty", Elected("duty", run, catalog=catalog, every=SOON, give_up_after=give_up_after).run)
    try:
        yield background
    finally:
        await background.stop()


async def test_one_does_it_and_another_takes_over_when_it_stops(catalog: Catalog) -> None:
    doing = Doing()
    async with standing(catalog, doing.by("one")) as one:
        await doing.until(lambda: doing.now == ["one"])
        async with standing(catalog, doing.by("other")):
            for _ in range(5):
                await asyncio.sleep(SOON)
                assert doing.now == ["one"]
            await one.stop()
            await doing.until(lambda: doing.now == ["other"])
    assert (doing.now, doing.ever) == ([], ["one", "other"])


async def test_who_lost_the_lease_stops(catalog: Catalog) -> None:
    doing = Doing()
    async with standing(catalog, doing.by("one")):
        await doing.until(lambda: doing.now == ["one"])

        def steal(tx: Transaction) -> None:
            tx.duties.clear()
            tx.duties.take("duty", "somebody else")

        await catalog.write(steal)
        await doing.until(lambda: not doing.now)


async def test_who_cannot_reach_the_database_for_a_lease_stops(catalog: Catalog) -> None:
    doing = Doing()
    async with standing(catalog, doing.by("one"), give_up_after=5 * SOON):
        await doing.until(lambda: doing.now == ["one"])
        catalog.close()
        await doing.until(lambda: not doing.now)


async def test_a_duty_that_fails_is_told_and_given_back(catalog: Catalog) -> None:
    async def fails() -> NoReturn:
        raise OSError("a duty that cannot be done")

    with pytest.raises(OSError, match="cannot be done"):
        await Elected("duty", fails, catalog=catalog).run()
    assert await catalog.write(lambda tx: tx.duties.take("duty", "somebody else"))


async def test_a_cancelled_one_gives_it_back(catalog: Catalog) -> None:
    doing = Doing()
    loop = asyncio.create_task(Elected("duty", doing.by("one"), catalog=catalog).run())
    await doing.until(lambda: doing.now == ["one"])
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    assert await catalog.write(lambda tx: tx.duties.take("duty", "somebody else"))

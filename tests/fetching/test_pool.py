"""Several processes that fetch: each has its share of the orders, and none suffers from what happens to another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from service.archive.fetcher import Fetched
from service.errors import Unavailable
from service.fetching.pool import FetchPool, processes_wanted, processors
from service.fetching.process import FetchProcess
from tests.fetching.ordering import Halted, begun, processes, staging, terms_for
from tests.outbound.origin import always, origin, reply
from tests.support.hostile_images import encoded, noise

IMAGE = encoded(noise(), "PNG")


def one_process(folder: Path) -> FetchProcess:
    return FetchProcess(terms_for(folder), staging=staging(folder))


@asynccontextmanager
async def pool_of(*members: FetchProcess) -> AsyncIterator[FetchPool]:
    async with aclosing(FetchPool(members)) as pool:
        yield pool
    assert processes() == []


async def test_all_are_started_with_the_first_order(tmp_path: Path) -> None:
    staging(tmp_path).mkdir()
    async with (
        origin(always(reply(IMAGE))) as host,
        pool_of(one_process(tmp_path), one_process(tmp_path)) as pool,
    ):
        assert processes() == []
        assert isinstance(await pool.fetch(host.url()), Fetched)
        assert len(processes()) == 2


async def test_orders_go_to_the_one_that_has_the_least_to_do(tmp_path: Path) -> None:
    staging(tmp_path).mkdir()
    halted = Halted(IMAGE)
    first, second = one_process(tmp_path), one_process(tmp_path)
    async with origin(halted) as host, pool_of(first, second) as pool:
        under_way = [asyncio.create_task(pool.fetch(host.url(f"/{number}"))) for number in range(6)]
        await begun(tmp_path, 6)
        assert (first.under_way, second.under_way) == (3, 3)
        halted.gate.set()
        assert all(isinstance(outcome, Fetched) for outcome in await asyncio.gather(*under_way))
        assert (first.under_way, second.under_way) == (0, 0)


async def test_when_one_is_killed_the_orders_of_the_other_go_on(tmp_path: Path) -> None:
    staging(tmp_path).mkdir()
    halted = Halted(IMAGE)
    first, second = one_process(tmp_path), one_process(tmp_path)
    async with origin(halted) as host, pool_of(first, second) as pool:
        under_way = [asyncio.create_task(pool.fetch(host.url(f"/{number}"))) for number in range(4)]
        await begun(tmp_path, 4)
        processes()[0].kill()
        ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_EXCEPTION)
        halted.gate.set()
        outcomes = await asyncio.gather(*under_way, return_exceptions=True)
        assert len([one for one in outcomes if isinstance(one, Fetched)]) == 2
        assert len([one for one in outcomes if isinstance(one, Unavailable)]) == 2 >= len(ended)
        assert isinstance(await pool.fetch(host.url()), Fetched)
        assert len(processes()) == 2


async def test_none_comes_up_again_behind_the_end(tmp_path: Path) -> None:
    staging(tmp_path).mkdir()
    async with origin(always(reply(IMAGE))) as host, pool_of(one_process(tmp_path), one_process(tmp_path)) as pool:
        fetching = asyncio.create_task(pool.fetch(host.url()))
        await asyncio.sleep(0)  # it is about to start the first
        await pool.aclose()
        with pytest.raises(Unavailable, match="the process that fetches ended"):
            await fetching
        assert processes() == []


async def test_what_cannot_be_started_gets_no_order_while_another_one_can(tmp_path: Path) -> None:
    staging(tmp_path).mkdir()
    missing = partial(FetchProcess, terms_for(tmp_path), staging=staging(tmp_path), program=(str(tmp_path / "none"),))
    async with origin(always(reply(IMAGE))) as host:
        async with pool_of(missing(), one_process(tmp_path)) as pool:
            assert isinstance(await pool.fetch(host.url()), Fetched)
        async with pool_of(missing()) as pool:
            with pytest.raises(Unavailable, match="no process that fetches can be started"):
                await pool.fetch(host.url())


@pytest.mark.parametrize(
    ("processors", "downloads", "wanted"),
    [(0.5, 16, 1), (2, 16, 1), (3.9, 16, 1), (4, 16, 2), (64, 1, 2), (64, 32, 2), (64, 33, 1)],
)
def test_there_are_two_where_there_are_processors_for_them_and_hosts_are_quick(
    processors: float, downloads: int, wanted: int
) -> None:
    assert processes_wanted(processors, downloads) == wanted


@pytest.mark.parametrize(("quota", "share"), [("50000 100000", 0.5), ("max 100000", None), ("", None)])
def test_a_container_has_a_share_of_the_processors(quota: str, share: float | None, tmp_path: Path) -> None:
    without = processors(tmp_path / "none")
    assert without >= 1
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert processors(tmp_path / "cpu.max") == (share or without)

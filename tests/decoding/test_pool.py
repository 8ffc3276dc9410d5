"""Worker processes under load, in trouble, and at their end."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from service.decoding.frames import Look, Thumbnail
from service.decoding.pool import Decoded, Pool
from service.decoding.process import WorkerProcess
from service.decoding.verdict import Unusable
from service.errors import StorageUnavailable, Unavailable
from service.storage import Blocks
from tests.support.hostile_images import encoded, noise
from tests.support.processes import running as processes_running
from tests.system.support.waiting import eventually

ORDER = Thumbnail(256, "ab" * 32)
IMAGE = encoded(noise(), "PNG")


def processes() -> list[psutil.Process]:
    return processes_running("service.decoding.worker")


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Pool]:
    pool = Pool(**options)
    pool.start()
    try:
        yield pool
    finally:
        await pool.stop()
        assert processes() == []


async def whole() -> Blocks:
    async def blocks() -> Blocks:
        yield IMAGE

    return blocks()


class Held:
    """An image that comes when it is let, and counts how many are asked for at a time."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.began = asyncio.Event()
        self.opened = 0

    async def open(self) -> Blocks:
        async def blocks() -> Blocks:
            self.opened += 1
            self.began.set()
            await self.gate.wait()
            yield IMAGE

        return blocks()


def made(pool: Pool, held: Held, *, heavy: bool = False) -> asyncio.Task[Decoded]:
    return asyncio.create_task(pool.decode(ORDER, held.open, heavy=heavy))


def looked(pool: Pool, held: Held) -> asyncio.Task[Decoded]:
    return asyncio.create_task(pool.decode(Look(), held.open, heavy=False))


async def test_a_process_is_started_when_it_is_needed_and_used_again() -> None:
    async with running(workers=1) as pool:
        assert processes() == []
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)
        [first] = processes()
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)
        assert processes() == [first]


async def test_a_process_that_has_nothing_to_do_is_ended() -> None:
    async with running(workers=1, idle=0.01) as pool:
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)

        async def gone() -> bool | None:
            return processes() == [] or None

        await eventually(gone, what="the process is gone")
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)


async def test_a_process_that_was_ended_by_somebody_else_costs_no_image() -> None:
    async with running(workers=1) as pool:
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)
        [idle] = processes()
        idle.kill()

        async def gone() -> bool | None:
            return processes() == [] or None

        await eventually(gone, what="the process is gone")
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)


async def test_an_image_that_takes_its_process_down_takes_no_other_image_with_it() -> None:
    held = Held()
    async with running(workers=1) as pool:
        doomed, next_one = made(pool, held), asyncio.create_task(pool.decode(ORDER, whole, heavy=False))
        await held.began.wait()
        [process] = processes()
        process.kill()
        held.gate.set()
        assert await doomed is Unusable.CRASHED
        assert isinstance(await next_one, bytes)
        assert process not in processes()


async def test_an_image_that_takes_too_long_loses_its_process() -> None:
    held = Held()
    async with running(workers=1, answer_within=0.05) as pool:
        assert await made(pool, held) is Unusable.TOO_SLOW
    assert held.opened == 1


async def test_a_store_that_fails_on_the_way_is_told_and_the_next_image_is_whole() -> None:
    async def failing() -> Blocks:
        async def blocks() -> Blocks:
            yield IMAGE[:100]
            raise StorageUnavailable("unplugged")

        return blocks()

    async with running(workers=1) as pool:
        with pytest.raises(StorageUnavailable, match="unplugged"):
            await pool.decode(ORDER, failing, heavy=False)
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)


async def test_when_too_many_wait_the_next_is_sent_away() -> None:
    held = Held()
    async with running(workers=1, most_waiting=2) as pool:
        first = made(pool, held)
        await held.began.wait()
        waiting = [made(pool, held) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="2 thumbnails are waiting") as error:
            await made(pool, held)
        assert error.value.retry_after > 0
        held.gate.set()
        assert all(isinstance(one, bytes) for one in await asyncio.gather(first, *waiting))


async def test_of_large_images_there_is_one_at_a_time_and_small_ones_go_past() -> None:
    held = Held()
    async with running(workers=2) as pool:
        large = [made(pool, held, heavy=True) for _ in range(2)]
        await held.began.wait()
        assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)
        assert held.opened == 1
        held.gate.set()
        assert all(isinstance(one, bytes) for one in await asyncio.gather(*large))


async def test_looking_takes_no_place_from_thumbnails_with_as_many_processes_as_there_are() -> None:
    held = Held()
    async with running(most_waiting=1) as pool:
        looks = [looked(pool, held) for _ in range(3)]
        await held.began.wait()
        for _ in range(2):
            assert isinstance(await pool.decode(ORDER, whole, heavy=False), bytes)
        assert held.opened == 1
        held.gate.set()
        assert all(isinstance(one, bytes) for one in await asyncio.gather(*looks))


def test_there_is_a_second_process_on_a_machine_with_one_processor() -> None:
    program = "import os; os.cpu_count = lambda: 1; from service.decoding.pool import WORKERS; print(WORKERS)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout == b"2\n"


async def test_thumbnails_go_before_images_that_are_only_looked_at() -> None:
    held, later = Held(), Held()
    async with running(workers=1) as pool:
        first, look = made(pool, held), looked(pool, later)
        await held.began.wait()
        next_one = asyncio.create_task(pool.decode(ORDER, whole, heavy=False))
        await asyncio.sleep(0)
        held.gate.set()
        assert isinstance(await first, bytes)
        assert isinstance(await next_one, bytes)
        later.gate.set()
        assert isinstance(await look, bytes)


async def test_who_gives_up_while_waiting_is_not_worked_for() -> None:
    held, given_up = Held(), Held()
    async with running(workers=1) as pool:
        first, other = made(pool, held), looked(pool, given_up)
        await held.began.wait()
        await asyncio.sleep(0)
        other.cancel()
        held.gate.set()
        assert isinstance(await first, bytes)
        assert isinstance(await pool.decode(Look(), whole, heavy=False), bytes)
        assert given_up.opened == 0


async def test_a_process_that_has_decoded_its_number_is_asked_no_more() -> None:
    worker = await WorkerProcess.start(most_images=2)
    rested = []
    for _ in range(2):
        assert isinstance(await worker.decode(ORDER, await whole()), bytes)
        rested.append(worker.is_at_rest)
    await worker.end()
    assert rested == [True, False]


async def test_the_end_leaves_no_process_and_nobody_waiting() -> None:
    held = Held()
    async with running(workers=1) as pool:
        first, second = made(pool, held), made(pool, held)
        await held.began.wait()
        await pool.stop()
        assert processes() == []
        for one in (first, second, made(pool, held)):
            with pytest.raises(Unavailable, match="stopping"):
                await one

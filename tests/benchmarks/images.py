"""How fast images are archived, how soon one is safe, and what that costs: beside aria2 and curl with the same images.

Theirs write files and no more; ours hash, look at the structure, and sync. In the end every image is looked up.
"""

import asyncio
import json
import os
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tests.benchmarks.callbacks import CONNECTIONS, completed, deliver, processing, task_id
from tests.benchmarks.image_host import image_host
from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.benchmarks.sender import percentile
from tests.benchmarks.serving import processor_seconds, resident, service
from tests.system.support.authority import Authority, new_authority
from tests.system.support.burden import process_id
from tests.system.support.darkroom import Darkroom
from tests.system.support.pictures import Picture, a_picture
from tests.system.support.waiting import eventually

ROLES = "receiver,archiver,reconciler,api"
LOOK_EVERY = 0.02
WEIGH_EVERY = 0.02
WITHIN = 600.0
MIB = 2**20


@dataclass(frozen=True, slots=True)
class House:
    """A service, and a host that has one image under any name."""

    darkroom: Darkroom
    picture: Picture
    port: int
    authority: Authority

    def link(self, number: int) -> str:
        return f"https://localhost:{self.port}/{number:08}.png"

    async def tell(self, numbers: Sequence[int]) -> float:
        """Have images announced; from when on, by `time.perf_counter`: who sends has to start first."""
        connections = min(CONNECTIONS, len(numbers))
        sent = await deliver(
            self.darkroom.port, numbers, connections=connections, make=lambda n: completed(n, self.link(n))
        )
        return sent.began

    async def until_archived(self, number: int) -> None:
        """Until so many images are archived, by the log: questions cost the service what is measured."""
        archived = 0
        with self.darkroom.log_file.open("rb") as log:

            async def look() -> bool | None:
                nonlocal archived
                events = [json.loads(line)["event"] for line in _whole_lines(log)]
                assert "asset_dead" not in events
                archived += events.count("asset_archived")
                return archived >= number or None

            await eventually(look, what=f"{number} images are archived", within=WITHIN, every=LOOK_EVERY)

    async def until_at_rest(self) -> None:
        """Until images that are archived have been looked at, too: that would go on beside what is measured next."""

        async def look() -> bool | None:
            waiting = (await self.darkroom.api.get("/v1/stats"))["waiting"]
            return not any(waiting.values()) or None

        await eventually(look, what="nothing is left to be done", within=WITHIN, every=0.5)

    async def verify(self, numbers: Sequence[int]) -> None:
        """Look every image up; raises AssertionError."""
        found = {one["id"]: one["sha256"] for one in await self.darkroom.api.all("/v1/assets", status="archived")}
        assert found == {f"{task_id(number)}.0": self.picture.sha256 for number in numbers}


def _whole_lines(log: BinaryIO) -> list[bytes]:
    """What has been written since; a line that is not whole yet is left for the next time."""
    *lines, rest = log.read().split(b"\n")
    log.seek(-len(rest), os.SEEK_CUR)
    return lines


@asynccontextmanager
async def house(folder: Path, *, side: int, **settings: str) -> AsyncIterator[House]:
    """An image of `side` pixels squared takes three times as many bytes."""
    authority, picture = new_authority(folder), a_picture("bench", side=side)
    with image_host(authority, picture.body) as port:
        async with service(folder / "service", authority=authority, ROLES=ROLES, **settings) as darkroom:
            yield House(darkroom, picture, port, authority)


async def beside_aria2(folder: Path, *, images: int, side: int, rounds: int) -> list[Ratio]:
    rates, costs = [], []
    async with house(folder, side=side) as here:
        size = images * len(here.picture.body) / MIB
        for turn in range(rounds):
            numbers = range(turn * images, (turn + 1) * images)
            await here.until_at_rest()
            their_seconds, their_cpu = await asyncio.to_thread(_aria2, folder / f"aria2-{turn}", here, numbers)
            process = process_id(here.darkroom)
            before = processor_seconds(process)
            began = await here.tell(numbers)
            await here.until_archived((turn + 1) * images)
            seconds, cpu = time.perf_counter() - began, processor_seconds(process) - before
            rates.append(Pair(size / seconds, size / their_seconds))
            costs.append(Pair(cpu, their_cpu))
        await here.verify(range(rounds * images))
    what = f"images of {len(here.picture.body) / MIB:.1f} MiB archived"
    rate = Goal(f"{what}, over TLS, 16 at a time", "aria2c, without hashing", "MiB/s", Better.MORE, 1.0)
    return [Ratio(rate, rates), Ratio(Goal("processor time of that", "aria2c's", "s", Better.LESS, 2), costs)]


def _aria2(folder: Path, here: House, numbers: Sequence[int]) -> tuple[float, float]:
    """Seconds and processor seconds that aria2 takes for the same list."""
    folder.mkdir()
    (folder / "list").write_text("".join(f"{here.link(number)}\n" for number in numbers))
    command = ["aria2c", "--quiet", "-j16", "-i", str(folder / "list"), "-d", str(folder), "--file-allocation=none"]
    command.append(f"--ca-certificate={here.authority.ca_file}")
    return _timed(command)


def _timed(command: Sequence[str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, timeout=WITHIN)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def soon_safe(folder: Path, *, images: int, side: int) -> list[Ratio]:
    """One image at a time, from the moment its callback is sent, beside a curl that only fetches it."""
    ours, theirs = [], []
    async with house(folder, side=side) as here:
        for number in range(images):
            await here.until_at_rest()
            command = ["curl", "-s", "-o", str(folder / "image"), "--cacert", str(here.authority.ca_file)]
            theirs.append(1000 * (await asyncio.to_thread(_timed, [*command, here.link(number)]))[0])
            ours.append(1000 * await _until_safe(here, number))
        await here.verify(range(images))
    what = f"callback to image safe, {len(here.picture.body) / MIB:.1f} MiB, 19 of 20 within"
    goal = Goal(what, "curl of that image", "ms", Better.LESS, 1.5, slack=50)
    return [Ratio(goal, [Pair(percentile(ours, 0.95), percentile(theirs, 0.95))])]


async def _until_safe(here: House, number: int) -> float:
    """Seconds until the API says that it is archived; the callback is on its way from a process that runs already."""
    path = await here.darkroom.api.mint()
    body = {"id": task_id(number), "status": "completed", "results": [here.link(number)]}

    async def look() -> bool | None:
        task = await here.darkroom.api.get(f"/v1/tasks/{task_id(number)}")
        return all(asset["status"] == "archived" for asset in task["assets"]) or None

    began = time.perf_counter()
    answer = await here.darkroom.api.client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    await eventually(look, what="the image is safe", every=0.003)
    return time.perf_counter() - began


async def in_memory(folder: Path, *, downloads: int, side: int) -> list[Ratio]:
    """The most memory while many large images are fetched at once, beside the idle service.

    It has fetched one before, so that both its processes are there.
    """
    async with house(folder, side=side, DOWNLOAD__CONCURRENCY=str(downloads)) as here:
        process = process_id(here.darkroom)
        await here.tell([downloads])
        await here.until_archived(1)
        idle = resident(process)
        most = asyncio.create_task(_most(lambda: resident(process)))
        await here.tell(range(downloads))
        await here.until_archived(downloads + 1)
        most.cancel()
        ours = (await asyncio.gather(most))[0]
        await here.verify(range(downloads + 1))
    what = f"most memory, {downloads} downloads of {len(here.picture.body) / MIB:.0f} MiB at once"
    goal = Goal(what, "the idle service", "MiB", Better.LESS, 1, slack=96e6 / MIB)
    return [Ratio(goal, [Pair(ours / MIB, idle / MIB)])]


async def _most(look: Callable[[], int]) -> int:
    """The largest figure that is seen until this is cancelled."""
    most = 0
    try:
        while True:
            most = max(most, look())
            await asyncio.sleep(WEIGH_EVERY)
    except asyncio.CancelledError:
        return most


async def answered_meanwhile(folder: Path, *, callbacks: int, pace: float, images: int, side: int) -> list[Ratio]:
    """How late callbacks of a steady pace are answered while 16 downloads run, beside the same when none does."""
    async with house(folder, side=side) as here:
        port, first = here.darkroom.port, 10_000_000  # other numbers than those of the images
        steadily = partial(deliver, port, connections=16, pace=pace, make=processing)
        idle = await steadily(range(first, first + callbacks))
        await here.tell(range(images))
        busy = await steadily(range(first + callbacks, first + 2 * callbacks))
        archived = int((await here.darkroom.api.get("/v1/stats"))["assets"].get("archived", 0))
        assert archived < images, f"{archived} of {images} were fetched: they must outlast the callbacks"
        await here.until_archived(images)
    goal = Goal(f"99 of 100 of {pace:.0f} callbacks a second, amid 16 downloads", "when idle", "ms", Better.LESS, 3)
    return [Ratio(goal, [Pair(1000 * busy.percentile(0.99), 1000 * idle.percentile(0.99))])]

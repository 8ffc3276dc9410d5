"""Which HTTP transport archives images with the least time and CPU, by the ratio of runs side by side.

Run it: `python -m tests.benchmarks.transport`. "chosen" is the client's own transport, aiohttp below httpx; "aiohttp"
shows what httpx costs above it. An image host in a process of its own sends them over TLS on loopback; each contender
fetches all of them, 16 at a time, with SHA-256, to files. Not a test: numbers of one machine, to choose by.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import ssl
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiofiles
import aiohttp
import httpx
import httpx_aiohttp
import uvloop

from service.outbound.transport import READ_BUFFER, AiohttpTransport
from tests.benchmarks.image_host import image_host
from tests.system.support.authority import new_authority

BLOCK = 128 * 1024
Stream = AbstractAsyncContextManager[AsyncIterator[bytes]]
Source = Callable[[str], Stream]
Save = Callable[[AsyncIterator[bytes], Path], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Load:
    """What a run fetches; sizes in bytes."""

    images: int
    size: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, in seconds."""

    wall: float
    cpu: float


@asynccontextmanager
async def over_httpx(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Source]:
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:

        @asynccontextmanager
        async def get(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
            async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                yield response.aiter_raw()

        yield get


@asynccontextmanager
async def over_aiohttp(session: aiohttp.ClientSession) -> AsyncIterator[Source]:
    async with session:

        @asynccontextmanager
        async def get(url: str) -> AsyncIterator[AsyncIterator[bytes]]:
            headers = {"Accept-Encoding": "identity"}
            async with session.get(url, headers=headers, read_bufsize=READ_BUFFER) as response:
                yield response.content.iter_any()

        yield get


async def save_in_place(blocks: AsyncIterator[bytes], path: Path) -> str:
    """Write and hash each 128 KiB where they arrive, as the fetcher does."""
    digest = hashlib.sha256()
    with path.open("xb", buffering=0) as file:
        parts = bytearray()
        async for block in blocks:
            parts += block
            if len(parts) >= BLOCK:
                digest.update(parts)
                file.write(parts)
                parts = bytearray()
        digest.update(parts)
        file.write(parts)
    return digest.hexdigest()


async def save_in_one_hop(blocks: AsyncIterator[bytes], path: Path) -> str:
    """Write and hash each 128 KiB in one visit to a thread."""
    digest = hashlib.sha256()

    def take(parts: list[bytes]) -> None:
        data = b"".join(parts)  # one long stretch without the interpreter's lock instead of many short ones
        digest.update(data)
        os.write(descriptor, data)

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        parts: list[bytes] = []
        held = 0
        async for block in blocks:
            parts.append(block)
            held += len(block)
            if held >= BLOCK:
                await asyncio.to_thread(take, parts)
                parts, held = [], 0
        await asyncio.to_thread(take, parts)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


async def save_with_aiofiles(blocks: AsyncIterator[bytes], path: Path) -> str:
    """The same with a hop for each write and another for each hash."""
    digest = hashlib.sha256()
    async with aiofiles.open(path, "wb") as file:
        parts = bytearray()
        async for block in blocks:
            parts += block
            if len(parts) >= BLOCK:
                await file.write(parts)
                await asyncio.to_thread(digest.update, parts)
                parts = bytearray()
        await file.write(parts)
        digest.update(parts)
    return digest.hexdigest()


async def measure(get: Source, url: str, load: Load, folder: Path, *, save: Save) -> Cost:
    """Fetch everything once; CPU is this process's, threads included."""
    numbers = iter(range(load.images))

    async def worker() -> None:
        for number in numbers:
            async with get(url) as blocks:
                await save(blocks, folder / f"{number}.png")

    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(load.at_once):
            group.create_task(worker())
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    for file in folder.glob("*.png"):
        file.unlink()  # the next run writes fresh files, as the fetcher does
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


async def compare(url: str, ca_file: str, load: Load, folder: Path, rounds: int) -> dict[str, list[Cost]]:
    context = ssl.create_default_context(cafile=ca_file)
    limits = httpx.Limits(max_connections=load.at_once, max_keepalive_connections=load.at_once)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=context, limit=load.at_once)
        return aiohttp.ClientSession(connector=connector, auto_decompress=False)

    costs: dict[str, list[Cost]] = {}
    async with (
        over_httpx(httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False)) as httpcore,
        over_httpx(httpx_aiohttp.AiohttpTransport(verify=context, limits=limits, trust_env=False)) as bridged,
        over_httpx(AiohttpTransport(session, proxy=None)) as chosen,
        over_aiohttp(session()) as plain,
    ):
        contenders = {
            "httpx": (httpcore, save_in_place),
            "httpx-aiohttp": (bridged, save_in_place),
            "chosen": (chosen, save_in_place),
            "chosen, a thread": (chosen, save_in_one_hop),
            "chosen, aiofiles": (chosen, save_with_aiofiles),
            "aiohttp": (plain, save_in_place),
        }
        for number in range(rounds + 1):
            for name, (get, save) in contenders.items():
                cost = await measure(get, url, load, folder, save=save)
                if number:  # the first round warms up
                    costs.setdefault(name, []).append(cost)
    return costs


def report(costs: dict[str, list[Cost]], load: Load) -> None:
    """Medians, and each beside the first contender."""
    first = next(iter(costs))
    base = {kind: statistics.median(getattr(cost, kind) for cost in costs[first]) for kind in ("wall", "cpu")}
    for name, runs in costs.items():
        wall = statistics.median(cost.wall for cost in runs)
        cpu = statistics.median(cost.cpu for cost in runs)
        total = load.images * load.size
        line = {
            "transport": name,
            "MB_per_s": round(total / 1e6 / wall),
            "cpu_s_per_GB": round(cpu / (total / 1e9), 2),
            "throughput_ratio": round(base["wall"] / wall, 2),
            "cpu_ratio": round(cpu / base["cpu"], 2),
        }
        print(json.dumps(line))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--size", type=int, default=4 * 1024 * 1024)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    options = parser.parse_args()
    load = Load(options.images, options.size, options.at_once)
    with tempfile.TemporaryDirectory() as folder:
        authority = new_authority(Path(folder))
        with image_host(authority, os.urandom(load.size)) as port:
            run = uvloop.run if options.loop == "uvloop" else asyncio.run
            url = f"https://127.0.0.1:{port}/image.png"
            report(run(compare(url, str(authority.ca_file), load, Path(folder), options.rounds)), load)


if __name__ == "__main__":
    main()

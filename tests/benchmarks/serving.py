"""The real command under a benchmark's load, and the route that it is held against. Both are processes of their own."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.support.processes import running
from tests.system.support.authority import Authority, new_authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import free_port
from tests.system.support.settings import list_setting, settings_for
from tests.system.support.waiting import eventually

SECRET = "the signing secret of all benchmarks"


@asynccontextmanager
async def service(
    folder: Path, *, authority: Authority | None = None, **settings: str | None
) -> AsyncIterator[Darkroom]:
    """`darkroom serve` that takes callbacks and answers questions, and fetches nothing unless told to."""
    folder.mkdir(exist_ok=True)
    changed = {
        "ROLES": "receiver,api",
        "CONFIRM__MODE": "off",
        "CALLBACKS__SECRETS": list_setting(SECRET),
        "LOG__LEVEL": "info",
        "LOG__FORMAT": "json",
        **settings,
    }
    given = settings_for(folder, free_port(), authority=authority or new_authority(folder), tls=False, changed=changed)
    darkroom = Darkroom(folder=folder, settings=given, tls=None)
    try:
        await darkroom.start()
        yield darkroom
    finally:
        await darkroom.close()


@asynccontextmanager
async def baseline() -> AsyncIterator[tuple[int, int]]:
    """Port and process id of a route that only answers."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.benchmarks.baseline", str(port)]) as process:
        try:
            await eventually(lambda: _answers(port), what="the baseline answers")
            yield port, process.pid
        finally:
            process.terminate()


async def _answers(port: int) -> bool | None:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    writer.close()
    return True


def processor_seconds(pid: int) -> float:
    """What a process and its children have taken so far, all threads."""
    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def resident(pid: int) -> int:
    """Bytes of memory that a process holds, with the one that fetches for it; those that decode images have bounds of
    their own."""
    together = (psutil.Process(pid), *running("service.fetching.child", of=pid))
    return sum(int(one.memory_info().rss) for one in together)

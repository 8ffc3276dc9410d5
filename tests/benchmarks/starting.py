"""How soon a started service is ready, beside a process that imports the same modules of others and ends."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.benchmarks.serving import service
from tests.system.support.waiting import eventually

LOADED = """
import sys
before = set(sys.modules)
import service.serve
own = ("service", "__main__", "_virtualenv")
print("\\n".join(name for name in sys.modules if name not in before and name.split(".")[0] not in own))
"""


async def beside_imports(folder: Path, *, rounds: int) -> list[Ratio]:
    script = folder / "imports.py"
    script.write_text(_imports(_run("-c", LOADED).split()))
    pairs = []
    async with service(folder / "service", ROLES=None) as darkroom:
        for turn in range(rounds + 1):
            await darkroom.stop()
            began = time.perf_counter()
            await asyncio.to_thread(_run, str(script))
            theirs, began = time.perf_counter() - began, time.perf_counter()
            darkroom.spawn()
            async with darkroom.client(None) as client:
                await eventually(lambda client=client: _ready(client), what="the service is ready", every=0.005)  # type: ignore[misc]
            pairs += [Pair(1000 * (time.perf_counter() - began), 1000 * theirs)] if turn else []
    goal = Goal("start to ready", "a process that imports the same modules", "ms", Better.LESS, 1.5)
    return [Ratio(goal, pairs)]


def _imports(names: list[str]) -> str:
    """What imports the modules of this list that can be imported by name."""
    return f"""
import importlib
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
"""


def _run(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


async def _ready(client: httpx.AsyncClient) -> bool | None:
    try:
        return (await client.get("/readyz")).status_code == 200 or None
    except httpx.TransportError:
        return None

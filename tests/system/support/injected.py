"""Faults in the system calls of a running process, by attaching strace to it for a while. Needs strace."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from tests.system.support.waiting import eventually


@contextlib.asynccontextmanager
async def injected(pid: int, output: Path, *, calls: str, fault: str, path: Path) -> AsyncIterator[None]:
    """Have calls on one path fail or take long (`error=EIO`, `delay_enter=MICROSECONDS`) while the block runs."""
    command = ["strace", "-f", "-p", str(pid), "-o", str(output), "-P", str(path)]
    command += ["-e", f"trace={calls}", "-e", f"inject={calls}:{fault}", "-e", "signal=none"]
    log = output.with_suffix(".said")
    with log.open("wb") as said:
        tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:

        async def attached() -> bool | None:
            assert tracer.poll() is None, log.read_text("utf-8")
            return "attached" in log.read_text("utf-8") or None

        await eventually(attached, what="strace is attached")
        yield
    finally:
        tracer.terminate()
        await asyncio.to_thread(tracer.wait, 20)

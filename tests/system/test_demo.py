"""`darkroom demo` takes the service that it starts along when it ends, however that comes about."""

import asyncio
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import has_ended, running
from tests.system.support.waiting import eventually


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_demonstration_that_is_ended_early_leaves_no_service_behind(
    tmp_path: Path, ending: signal.Signals
) -> None:
    command = (sys.executable, "-m", "service", "demo", "--keep", "--tasks", "1", "--folder", str(tmp_path / "demo"))
    demo = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)

    async def service() -> psutil.Process | None:
        return next(iter(running("serve", of=demo.pid)), None)

    started = await eventually(service, what="the service is started", within=30)
    demo.send_signal(ending)
    async with asyncio.timeout(30):
        assert await demo.wait() != 0
    assert has_ended(started)

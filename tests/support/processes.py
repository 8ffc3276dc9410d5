"""The processes that a process has started, by what they run."""

from contextlib import suppress

import psutil


def running(module: str, *, of: int | None = None) -> list[psutil.Process]:
    """Those of this process, or of another one, that run a module."""
    return [one for one in psutil.Process(of).children() if _runs(one, module)]


def _runs(process: psutil.Process, module: str) -> bool:
    with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # it has just ended
        return module in process.cmdline()
    return False

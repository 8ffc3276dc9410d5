"""The processes that a process has started, by what they run."""

from contextlib import suppress

import psutil


def running(module: str, *, of: int | None = None) -> list[psutil.Process]:
    """Those of this process, or of another one, that run a module."""
    return [one for one in psutil.Process(of).children() if _runs(one, module)]


def has_ended(process: psutil.Process) -> bool:
    """One that nobody has waited for has ended too: where no init does so, an orphan stays listed for ever."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


def _runs(process: psutil.Process, module: str) -> bool:
    with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # it has just ended
        return module in process.cmdline()
    return False

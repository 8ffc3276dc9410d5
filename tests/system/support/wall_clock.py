"""A wall clock that a test sets while the service runs; the one that only counts seconds stays right (libfaketime)."""

from datetime import timedelta
from pathlib import Path

_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def why_no_clock() -> str | None:
    """Why this machine cannot pretend another time, or None when it can."""
    return None if _LIBRARIES else "libfaketime is not installed"


class WallClock:
    """Put `prefix` before a command; what it sees as the time is the true one, moved as `set` says."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "wall-clock"
        self.set(timedelta())

    @property
    def prefix(self) -> tuple[str, ...]:
        told = {
            "LD_PRELOAD": _LIBRARIES[0],
            "FAKETIME_TIMESTAMP_FILE": self._file,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return ("env", *(f"{name}={value}" for name, value in told.items()))

    def set(self, ahead: timedelta) -> None:
        """From now on the clock is so far ahead of the true time."""
        changed = self._file.with_suffix(".new")
        changed.write_text(f"{ahead.total_seconds():+.0f}")
        changed.replace(self._file)

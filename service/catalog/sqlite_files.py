"""Whether the names of an open SQLite database still lead to the files that we hold open. It must not open them.

On Unix an open file outlives its name: after an unlink or a replacement SQLite goes on committing into a file that
nobody will ever find again. A look costs three `stat` calls, so it is taken around every transaction. (Opening and
closing the database would drop SQLite's locks: a process's POSIX locks on a file end with any descriptor it closes.)
"""

import os
from enum import Enum
from pathlib import Path

Identity = tuple[int, int]


class Standing(Enum):
    """What has become of the files."""

    IN_PLACE = "in place"
    LOG_GONE = "log gone"  # what it holds can still be brought into the database
    LOST = "lost"  # what is at these names is not what we write to


class SqliteFiles:
    """The database, its write-ahead log (-wal) and the log's index (-shm)."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        beside = os.path.realpath(path)  # SQLite puts them beside the file that a symbolic link leads to
        self._logs = (f"{beside}-wal", f"{beside}-shm")
        self._database: Identity | None = None
        self._log_ids: tuple[Identity | None, ...] = (None, None)

    def note_database(self) -> None:
        """Remember which file the database is, once: another one in its place is never ours."""
        self._database = _identity(self._path, least=0)

    def note_logs(self) -> None:
        """Remember the log's files, which a connection has just opened or made."""
        self._log_ids = tuple(_identity(log, least=0) for log in self._logs)

    def look(self) -> Standing:
        """Compare names and files. An emptied database is lost as well: only an accident makes it so."""
        if _identity(self._path, least=1) != self._database:
            return Standing.LOST
        now = tuple(_identity(log, least=0) for log in self._logs)
        if now == self._log_ids:
            return Standing.IN_PLACE
        if all(found in (None, known) for found, known in zip(now, self._log_ids, strict=True)):
            return Standing.LOG_GONE
        return Standing.LOST  # another process has begun a log of its own


def _identity(path: str, *, least: int) -> Identity | None:
    """Device and inode of a file with at least so many bytes."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size >= least else None

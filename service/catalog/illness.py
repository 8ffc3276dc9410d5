"""What a database error means, and what to do about it, in one line. It must not know what was being done."""

import sqlite3
from enum import Enum
from pathlib import Path

import sqlalchemy as sa

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process holds its lock: wait for it, or find it with fuser and stop it",
    sqlite3.SQLITE_LOCKED: "another process holds its lock: wait for it, or find it with fuser and stop it",
    sqlite3.SQLITE_FULL: "free some space",
    sqlite3.SQLITE_READONLY: "make it and its directory writable",
    sqlite3.SQLITE_CANTOPEN: "look whether its directory is there and writable",
    sqlite3.SQLITE_IOERR: "look at the disk's health",
}

RESTORE = (
    "stop the service, move the database away with its -wal and -shm, then put a backup in its place or "
    "run `darkroom rebuild`, and start again"
)


class Illness(Enum):
    """Whose fault an error is."""

    NONE = "none"  # the statement's own
    PASSING = "passing"  # locked, full, gone: the next transaction would fail too, until that is over
    DAMAGED = "damaged"  # what is in the file is wrong, and nothing heals that by itself


def illness(error: sa.exc.DBAPIError) -> Illness:
    if _code(error) in _DAMAGED:
        return Illness.DAMAGED
    ill = isinstance(error, sa.exc.OperationalError) or error.connection_invalidated
    return Illness.PASSING if ill or type(error.orig) is sqlite3.DatabaseError else Illness.NONE


def reason(error: Exception) -> str:
    """What is wrong and what to do."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, sa.exc.DBAPIError):
        return str(error)
    advice = RESTORE if _code(error) in _DAMAGED else _ADVICE.get(_code(error))
    return f"{error.orig}; {advice}" if advice else str(error.orig)


def is_locked(error: sa.exc.DBAPIError) -> bool:
    """Another process holds the lock that a transaction needs."""
    return _code(error) == sqlite3.SQLITE_BUSY


def not_ours(path: Path) -> str:
    """That the files at these names are not those that we have open."""
    return (
        f"the database {path} was removed, replaced or emptied while in use, or somebody began another log for it: "
        f"nothing more is accepted. Put the same files back; or {RESTORE}"
    )


def damaged(path: Path, found: object) -> str:
    """That what is in the file is wrong; `found` is one line of SQLite's."""
    return f"the database {path} is damaged ({' '.join(str(found).split())}): {RESTORE}"


def _code(error: sa.exc.DBAPIError) -> int:
    """SQLite's primary result code, 0 when there is none."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF

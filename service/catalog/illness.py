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


SqliteError = sa.exc.DBAPIError | sqlite3.Error
"""SQLite's own, and what SQLAlchemy makes of it."""

SQLITE_ERRORS = (sa.exc.DBAPIError, sqlite3.Error)


def illness(error: SqliteError) -> Illness:
    if _code(error) in _DAMAGED:
        return Illness.DAMAGED
    cause = own(error)
    ill = isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError
    ill = ill or (isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated)
    return Illness.PASSING if ill else Illness.NONE


def reason(error: Exception) -> str:
    """What is wrong and what to do."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, SQLITE_ERRORS):
        return str(error)
    advice = RESTORE if _code(error) in _DAMAGED else _ADVICE.get(_code(error))
    return f"{own(error)}; {advice}" if advice else str(own(error))


def is_locked(error: SqliteError) -> bool:
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


def own(error: SqliteError) -> BaseException | None:
    """SQLite's own error."""
    return error.orig if isinstance(error, sa.exc.DBAPIError) else error


def _code(error: SqliteError) -> int:
    """SQLite's primary result code, 0 when there is none."""
    code: int = getattr(own(error), "sqlite_errorcode", 0)
    return code & 0xFF

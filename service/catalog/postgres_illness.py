"""What an error of PostgreSQL, or of the way to it, means: to be tried again, an illness, or the statement's fault."""

import asyncpg  # type: ignore[import-untyped] # it ships no types
import sqlalchemy as sa

RACES = frozenset({"40001", "40P01", "23505", "0A000"})
"""Serialization failure, deadlock, a row that somebody else put there first, a plan from before a migration: the
transaction is run again, and sees what the other one did."""

_GIVEN_UP = frozenset({"40001", "40P01"})
_ILL_CLASSES = ("08", "25", "26", "28", "3D", "53", "57", "58", "XX")
_ILL = frozenset({"55P03", "42501", "42P05"})
_MISSING = frozenset({"42P01", "42703"})

NOT_MIGRATED = "it lacks tables or columns of this version: run `darkroom migrate`"

_POOLED = "a proxy that pools transactions stands before it: add ?pooler=transaction to DARKROOM_DATABASE_URL"
"""Statements that were prepared vanish only where somebody else hands out the connections."""

_ADVICE = {
    "53100": "free some space where it keeps its data",
    "53300": "it has too few connections for all who ask: raise its max_connections, or run fewer processes",
    "28P01": "look at the password in DARKROOM_DATABASE_URL",
    "28000": "look at the user in DARKROOM_DATABASE_URL, and at pg_hba.conf",
    "3D000": "create it, or look at the name in DARKROOM_DATABASE_URL",
    "26000": _POOLED,
    "42P05": _POOLED,
    "25006": "it is a replica: DARKROOM_DATABASE_URL has to lead to the primary",
    "42501": "grant its user what is missing",
    "57014": "a statement took too long, or somebody ended it",
    "55P03": "a lock was held for too long",
}

OUTSIDE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, sa.exc.TimeoutError)
"""What is raised beside SQLAlchemy's own errors: on the way to a connection, or while one is waited for."""


def sqlstate(error: BaseException) -> str:
    """The five characters that say what is wrong, '' where the server said nothing."""
    found = getattr(error.orig, "sqlstate", None) if isinstance(error, sa.exc.DBAPIError) else None
    return str(found or getattr(error, "sqlstate", None) or "")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that another one may work."""
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, ConnectionError) or sqlstate(error).startswith(("08", "57P"))


def reason(error: BaseException, place: str) -> str | None:
    """Why the database is ill, and what to do; None when the statement alone is at fault."""
    state = sqlstate(error)
    if state in _MISSING:
        return f"the database {place} is not ready: {NOT_MIGRATED}"
    if isinstance(error, sa.exc.DBAPIError):
        ill = error.connection_invalidated or state in _GIVEN_UP or state in _ILL or state[:2] in _ILL_CLASSES
        if not ill:
            return None
    elif not isinstance(error, OUTSIDE):
        return None
    advice = _ADVICE.get(state)
    return f"the database {place} did not commit: {_said(error)}{f'; {advice}' if advice else ''}"


def _said(error: BaseException) -> str:
    """The server's own line, without the statement."""
    if isinstance(error, sa.exc.TimeoutError):
        return "all its connections are in use"
    if isinstance(error, sa.exc.DBAPIError):
        cause: BaseException | None = error.orig.__cause__ if error.orig is not None else None
        error = cause or error.orig or error
    if isinstance(error, TimeoutError):
        return "no answer in time"
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__

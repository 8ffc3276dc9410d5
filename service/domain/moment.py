"""Times as callers write and read them: RFC 3339, always with an offset; without one they mean another everywhere."""

from datetime import UTC, datetime
from typing import overload

TAKES = "a time such as 2026-05-01T12:00:00Z"


def moment(text: object) -> datetime:
    """The time in UTC; raises ValueError for anything else."""
    if not isinstance(text, str) or len(text) > 64 or "T" not in text.upper():
        raise ValueError(f"takes {TAKES}")
    try:
        at = datetime.fromisoformat(text.upper())
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"takes {TAKES}")


@overload
def rfc3339(at: datetime) -> str: ...


@overload
def rfc3339(at: datetime | None) -> str | None: ...


def rfc3339(at: datetime | None) -> str | None:
    """A time in UTC as everybody is told of it, to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None

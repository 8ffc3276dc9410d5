"""How long a host asks us to wait. Pure: the time is passed in."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.domain.retry import AFTER_LADDER

LONGEST = AFTER_LADDER.total_seconds()
"""Seconds; a host may slow us down as far as our own ladder does, and not make us miss a link's last hours."""


def retry_after(value: str | None, *, now: datetime, longest: float = LONGEST) -> float | None:
    """Seconds from 0 to `longest` that a Retry-After header asks for (RFC 9110 section 10.2.3); None for no sense."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), longest)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - now).total_seconds(), 0.0), longest)

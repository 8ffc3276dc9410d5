"""Conditional requests as pure functions (RFC 9110, section 13): whether a caller has the bytes, or wants others."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum

from starlette.datastructures import Headers

_TAG = re.compile(r'(W/)?("[!#-~\x80-\xff]*")')


class Verdict(Enum):
    """What the conditions of a GET or HEAD come to."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one version of a resource from another: a strong tag with its quotes, and when it came to be."""

    etag: str
    since: datetime | None = None

    @property
    def second(self) -> datetime | None:
        """`since` as a header can say it."""
        return self.since.astimezone(UTC).replace(microsecond=0) if self.since is not None else None

    def headers(self) -> dict[str, str]:
        dated = {"Last-Modified": format_datetime(self.second, usegmt=True)} if self.second is not None else {}
        return {"ETag": self.etag, **dated}


def judged(headers: Headers, current: Validators) -> Verdict:
    """The preconditions in the order of section 13.2.2; a date counts only where no tag is given, and is a date."""
    match, since = _joined(headers, "if-match"), current.second
    if match is not None:
        if not _names(match, current.etag, weakly=False):
            return Verdict.FAILED
    elif since is not None and (last := _date(headers.get("if-unmodified-since"))) is not None and since > last:
        return Verdict.FAILED
    none_match = _joined(headers, "if-none-match")
    if none_match is not None:
        return Verdict.NOT_MODIFIED if _names(none_match, current.etag, weakly=True) else Verdict.PROCEED
    if since is not None and (seen := _date(headers.get("if-modified-since"))) is not None and since <= seen:
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def range_applies(if_range: str | None, current: Validators) -> bool:
    """Whether a Range counts: no If-Range, or one that names these very bytes.

    A weak tag never does. A date does where it is exactly ours: what is archived does not change within its second.
    """
    if if_range is None:
        return True
    given = if_range.strip()
    if given.startswith(('"', "W/")):
        return given == current.etag
    return current.second is not None and _date(given) == current.second


def _names(tags: str, etag: str, *, weakly: bool) -> bool:
    """Whether a list of tags has this one; a comma may stand in a tag, and `*` only alone."""
    if tags.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _TAG.findall(tags))


def _joined(headers: Headers, name: str) -> str | None:
    """A list that may come in several lines."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

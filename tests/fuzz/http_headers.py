"""Headers that anybody sends: Range, conditions, dates, and times as callers write them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from starlette.datastructures import Headers

from service.domain.moment import moment, rfc3339
from service.domain.retry import credible_created
from service.outbound.retry_after import LONGEST, retry_after
from service.web.conditions import Validators, Verdict, judged, range_applies
from service.web.ranges import Part, Whole, wanted
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable
from tests.support.deliveries import NOW

CURRENT = Validators('"abc"', NOW)
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
PLAIN = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")


def seeds() -> Iterator[bytes]:
    for text in ("bytes=0-0", "bytes=10-", "bytes=-10", "bytes=0-1,5-6", "bytes=99999999999-", "lines=1-2"):
        yield b"\0\0\0\x64" + text.encode()
    for text in ('"abc"', 'W/"abc", "x"', "*", "Fri, 01 May 2026 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"):
        yield b"\0\0\0\x64" + text.encode()
    for text in ("2026-05-01T12:00:00Z", "0001-01-01T00:00:00+23:59", "2026-W18-5T12:00:00,5+01", "120", "1777636800"):
        yield b"\0\0\0\x64" + text.encode()


def check(data: bytes) -> None:
    pieces = Pieces(data)
    size = pieces.number(2**31)
    header = pieces.rest().decode("latin-1")  # as servers read them
    _range(header, size)
    _conditions(header)
    _times(header)


def _range(header: str, size: int) -> None:
    """A part lies within the bytes, and what is plainly asked for is what is sent."""
    part = wanted(header, size)
    assert isinstance(part, (Part, Whole))
    if isinstance(part, Part):
        assert 0 <= part.first <= part.last < size
        assert part.length == part.last - part.first + 1
    plain = PLAIN.fullmatch(header)
    if plain and int(plain[1]) <= int(plain[2]):
        first, last = int(plain[1]), int(plain[2])
        assert part == (Part(first, min(last, size - 1)) if first < size else Whole.UNSATISFIABLE)


def _conditions(header: str) -> None:
    found = {name: judged(Headers({name: header}), CURRENT) for name in CONDITIONS}
    assert found["if-match"] is not Verdict.NOT_MODIFIED
    assert found["if-none-match"] is not Verdict.FAILED
    if found["if-none-match"] is Verdict.NOT_MODIFIED:
        assert CURRENT.etag in header or header.strip() == "*", "a caller is told that it has what it never named"
    if range_applies(header, CURRENT):
        assert header.strip() == CURRENT.etag or not header.strip().startswith(('"', "W/"))


def _times(text: str) -> None:
    try:
        at = moment(text)
    except ValueError as error:
        must_be_storable(str(error))
    else:
        assert at.tzinfo is UTC
        assert at - moment(rfc3339(at)) < timedelta(milliseconds=1)
    wait = retry_after(text, now=NOW)
    assert wait is None or 0 <= wait <= LONGEST
    try:
        created = float(text)
    except ValueError:
        return
    known = credible_created(created, NOW)
    assert known is None or datetime(2024, 1, 1, tzinfo=UTC) <= known <= NOW + timedelta(minutes=5)

"""Conditions of a request (RFC 9110, section 13), held against a tag and a date."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from service.web.conditions import Validators, Verdict, judged, range_applies

SINCE = datetime(2026, 5, 1, 12, 0, 0, 999_999, tzinfo=UTC)
OURS = Validators('"a"', SINCE)
THEN, BEFORE, AFTER = "Fri, 01 May 2026 12:00:00 GMT", "Fri, 01 May 2026 11:59:59 GMT", "Fri, 01 May 2026 12:00:01 GMT"

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED


def verdict(*lines: tuple[str, str], current: Validators = OURS) -> Verdict:
    return judged(Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in lines]), current)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('"a"', NOT_MODIFIED),
        ('W/"a"', NOT_MODIFIED),
        ("*", NOT_MODIFIED),
        (' "b" , W/"a" ', NOT_MODIFIED),
        ('"b","a"', NOT_MODIFIED),
        ('"b"', PROCEED),
        ("a", PROCEED),
        ("", PROCEED),
        ('"b,*,c"', PROCEED),
        ('"b", *', PROCEED),
        ('"A"', PROCEED),
        ('w/"b"', PROCEED),
    ],
)
def test_who_has_one_of_the_tags_has_the_bytes(tags: str, expected: Verdict) -> None:
    assert verdict(("if-none-match", tags)) is expected


def test_a_list_of_tags_may_come_in_several_lines() -> None:
    assert verdict(("if-none-match", '"b"'), ("if-none-match", '"a"')) is NOT_MODIFIED


@pytest.mark.parametrize(
    ("tags", "expected"), [('"a"', PROCEED), ("*", PROCEED), ('"b", "a"', PROCEED), ('W/"a"', FAILED), ('"b"', FAILED)]
)
def test_who_wants_certain_bytes_is_told_when_they_are_others(tags: str, expected: Verdict) -> None:
    assert verdict(("if-match", tags)) is expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (THEN, NOT_MODIFIED),
        (AFTER, NOT_MODIFIED),
        (BEFORE, PROCEED),
        ("Friday, 01-May-26 12:00:00 GMT", NOT_MODIFIED),
        ("Fri May  1 12:00:00 2026", NOT_MODIFIED),
        ("yesterday", PROCEED),
        ("Fri, 99 May 2026 12:00:00 GMT", PROCEED),
        ("", PROCEED),
    ],
)
def test_who_has_seen_them_since_they_are_there_has_the_bytes(date: str, expected: Verdict) -> None:
    assert verdict(("if-modified-since", date)) is expected


@pytest.mark.parametrize(("date", "expected"), [(THEN, PROCEED), (BEFORE, FAILED), ("nonsense", PROCEED)])
def test_what_came_later_is_not_what_was_wanted(date: str, expected: Verdict) -> None:
    assert verdict(("if-unmodified-since", date)) is expected


def test_tags_go_before_dates() -> None:
    assert verdict(("if-none-match", '"b"'), ("if-modified-since", THEN)) is PROCEED
    assert verdict(("if-match", '"a"'), ("if-unmodified-since", BEFORE)) is PROCEED
    assert verdict(("if-match", '"b"'), ("if-none-match", '"a"')) is FAILED


def test_without_a_date_of_ours_dates_say_nothing() -> None:
    undated = Validators('"a"')
    assert verdict(("if-modified-since", AFTER), current=undated) is PROCEED
    assert verdict(("if-unmodified-since", BEFORE), current=undated) is PROCEED
    assert not range_applies(THEN, undated)


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        (None, True),
        ('"a"', True),
        (' "a" ', True),
        ('"b"', False),
        ('W/"a"', False),
        ("*", False),
        (THEN, True),
        (BEFORE, False),
        (AFTER, False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_range_applies_to_these_very_bytes_only(if_range: str | None, expected: bool) -> None:
    assert range_applies(if_range, OURS) is expected


def test_a_date_is_told_in_whole_seconds_of_universal_time() -> None:
    told = Validators('"a"', SINCE.astimezone(tz=None) + timedelta(0)).headers()
    assert told == {"ETag": '"a"', "Last-Modified": THEN}

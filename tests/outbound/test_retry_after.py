"""Retry-After: seconds or a date, bounded."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.retry_after import LONGEST, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("Sun, 01 Mar 2026 14:00:30 +0200", 30),
        ("Mon, 01 Mar 2027 12:00:00 GMT", LONGEST),
        ("9" * 5000, LONGEST),
    ],
)
def test_seconds_and_dates_are_read_and_bounded(value: str, seconds: float) -> None:
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "٣", "Sun, 99 Mar 2026 12:00:30 GMT"])
def test_what_makes_no_sense_asks_for_nothing(value: str | None) -> None:
    assert retry_after(value, now=NOW) is None


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    wait = retry_after(text, now=NOW)
    assert wait is None or 0 <= wait <= LONGEST

"""Times as callers write them."""

from datetime import UTC, datetime

import pytest

from service.domain.moment import moment


@pytest.mark.parametrize(
    "text", ["2026-05-01T12:00:00Z", "2026-05-01T14:00:00+02:00", "2026-05-01t12:00:00.000z", "2026-05-01T12:00Z"]
)
def test_a_time_with_an_offset_is_taken_and_becomes_utc(text: str) -> None:
    assert moment(text) == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-05-01", "2026-05-01T12:00:00", "1777636800", "2026-13-01T00:00:00Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-05-01T12:00:00Z" * 9, "T"),
    ],
)
def test_anything_else_is_refused_and_told_what_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match="2026-05-01T12:00:00Z"):
        moment(text)


@pytest.mark.parametrize("value", [None, 1777636800, 1.5, ["2026-05-01T12:00:00Z"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="takes"):
        moment(value)

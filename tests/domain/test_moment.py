"""Times as callers write them."""

from datetime import UTC, datetime

import pytest

from service.domain.moment import moment, rfc3339


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
        "2026-05-01 12:00:00Z",
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


def test_a_time_is_taken_up_to_64_characters_whatever_they_say() -> None:
    digits = "2026-05-01T12:00:00."
    assert moment(digits + "0" * (63 - len(digits)) + "Z") == datetime(2026, 5, 1, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="takes"):
        moment(digits + "0" * (64 - len(digits)) + "Z")


def test_everybody_is_told_of_a_time_in_utc_to_the_millisecond() -> None:
    assert rfc3339(datetime(2026, 5, 1, 12, 0, 0, 123999, tzinfo=UTC)) == "2026-05-01T12:00:00.123Z"
    assert rfc3339(None) is None

"""Range and If-None-Match (RFC 9110)."""

import pytest

from service.web.ranges import Part, Whole, not_modified, range_applies, wanted


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Whole.EVERYTHING),
        ("bytes=0-0", Part(0, 0)),
        ("bytes=0-99", Part(0, 99)),
        ("bytes=10-", Part(10, 99)),
        ("bytes=90-500", Part(90, 99)),
        ("bytes=-10", Part(90, 99)),
        ("bytes=-500", Part(0, 99)),
        ("Bytes = 0-1", Whole.EVERYTHING),
        ("bytes= 0 - 1 ", Part(0, 1)),
        ("bytes=100-", Whole.UNSATISFIABLE),
        ("bytes=-0", Whole.UNSATISFIABLE),
        ("bytes=5-2", Whole.EVERYTHING),
        ("bytes=0-1,5-6", Whole.EVERYTHING),
        ("bytes=-", Whole.EVERYTHING),
        ("bytes=a-b", Whole.EVERYTHING),
        ("lines=1-2", Whole.EVERYTHING),
        ("bytes=9999999999999999999999-", Whole.EVERYTHING),
    ],
)
def test_what_a_range_header_asks_of_a_hundred_bytes(header: str | None, expected: Part | Whole) -> None:
    assert wanted(header, 100) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), ('"a"', True), ('W/"a"', True), ("*", True), ('"b", "a"', True), ('"b"', False), ("a", False)],
)
def test_whether_the_caller_has_the_bytes(header: str | None, expected: bool) -> None:
    assert not_modified(header, '"a"') is expected


def test_a_range_of_other_bytes_does_not_apply() -> None:
    assert range_applies(None, '"a"')
    assert range_applies('"a"', '"a"')
    assert not range_applies('"b"', '"a"')

"""What a Range header asks for (RFC 9110, section 14)."""

import pytest

from service.web.ranges import Part, Whole, wanted


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
        ("BYTES=0-1", Part(0, 1)),
        ("bytes=0-1,", Part(0, 1)),
        ("bytes=, ,0-1", Part(0, 1)),
        ("bytes=,", Whole.EVERYTHING),
        ("bytes= 0 - 1 ", Part(0, 1)),
        ("bytes=100-", Whole.UNSATISFIABLE),
        ("bytes=-0", Whole.UNSATISFIABLE),
        ("bytes=5-2", Whole.EVERYTHING),
        ("bytes=0-1,5-6", Whole.SEVERAL),
        ("bytes=0-1,bytes=5-6", Whole.SEVERAL),
        ("bytes=0-0," * 1000, Whole.SEVERAL),
        ("bytes=-", Whole.EVERYTHING),
        ("bytes=a-b", Whole.EVERYTHING),
        ("lines=1-2", Whole.EVERYTHING),
        ("bytes=9999999999999999999999-", Whole.UNSATISFIABLE),
        ("bytes=0-9999999999999999999999", Part(0, 99)),
        (f"bytes={'9' * 5000}-", Whole.EVERYTHING),
        ("bytes=\u0661-", Whole.EVERYTHING),
    ],
)
def test_what_a_range_header_asks_of_a_hundred_bytes(header: str | None, expected: Part | Whole) -> None:
    assert wanted(header, 100) == expected

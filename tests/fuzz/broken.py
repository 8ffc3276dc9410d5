"""A target whose promise does not hold, so that it is known that such are found."""

from collections.abc import Iterator


def seeds() -> Iterator[bytes]:
    yield b"lost"


def check(data: bytes) -> None:
    assert data[:4] != b"lost", "something was lost"

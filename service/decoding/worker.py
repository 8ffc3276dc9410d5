"""A process that decodes images for the service: they come in by stdin, what is made of them goes out by stdout.

It trusts no image, and is not trusted: it has no settings and no secrets, little memory, no files to write or open,
and ends with its stdin, or by dying where a reader fails badly. It is the first to go where memory gets short.
"""

import io
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import assert_never

from service.decoding.frames import (
    ANSWER_WITHIN,
    LENGTH,
    MADE,
    READY,
    UNUSABLE,
    Look,
    Order,
    Thumbnail,
    frame,
    read_order,
)
from service.decoding.look import look
from service.decoding.render import render
from service.decoding.verdict import Unusable
from service.decoding.vips import Read, prepare

MEMORY = 512 * 2**20
"""Bytes of address space; the worst of 50 million pixels, a lossless WebP, takes 400 MiB."""

ALONE_FOR = 2 * int(ANSWER_WITHIN)
"""Seconds for one image after which the system ends the process: the service would have, if it were still there."""

LOWER_PRIORITY = 10

_STDIN, _STDOUT = 0, 1
_FIRST = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
"""A PNG of one pixel."""


class _Image:
    """The image of one order, as its frames come in."""

    def __init__(self) -> None:
        self._rest = memoryview(b"")
        self._at_end = False

    def read(self, length: int) -> memoryview:
        if not self._rest and not self._at_end:
            self._rest = memoryview(_read_frame() or b"")
            self._at_end = not self._rest
        given, self._rest = self._rest[:length], self._rest[length:]
        return given

    def pass_over(self) -> None:
        """Read what is left of it, so that the next order is found."""
        while self.read(2**20):
            pass


def main() -> None:
    prepare()
    _decode_first()  # whatever is loaded when it is first needed
    _confine()
    _write(frame(READY))
    while (order := _read_frame()) is not None:
        signal.alarm(ALONE_FOR)
        _write(frame(_answer(order)))
        signal.alarm(0)


def _answer(order: bytes) -> bytes:
    wanted, image = read_order(order), _Image()
    made = _made(wanted, image.read)
    image.pass_over()
    return UNUSABLE + made.value.encode() if isinstance(made, Unusable) else MADE + made


def _made(order: Order, read: Read) -> bytes | Unusable:
    match order:
        case Thumbnail(size, sha256):
            return render(read, size=size, sha256=sha256)
        case Look():
            return look(read)
        case _:
            assert_never(order)


def _decode_first() -> None:
    for order in (Thumbnail(1, ""), Look()):
        made = _made(order, io.BytesIO(_FIRST).read)
        if isinstance(made, Unusable):
            raise SystemExit(f"a picture of one pixel is {made.value}")


def _confine() -> None:
    os.nice(LOWER_PRIORITY)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 0)  # those that are open stay open


def _limit(what: int, most: int) -> None:
    with suppress(OSError, ValueError):  # some systems do not have them all
        resource.setrlimit(what, (most, most))


def _read_frame() -> bytes | None:
    """The next frame; None where the service is gone."""
    head = _read(LENGTH.size)
    return _read(LENGTH.unpack(head)[0]) if head is not None else None


def _read(length: int) -> bytes | None:
    parts: list[bytes] = []
    while length:
        part = os.read(_STDIN, length)
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(_STDOUT, data) :]


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
    sys.exit(0)

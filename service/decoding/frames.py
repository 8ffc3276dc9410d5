"""What goes through the pipes between the service and a worker process: frames of a length and so many bytes.

A request is a line of JSON in a frame, then the image in frames, then an empty one. An answer is one frame: its first
byte says what follows.
"""

import json
import struct
from dataclasses import asdict, dataclass

LENGTH = struct.Struct(">I")

READY = b"r"
MADE = b"m"
UNUSABLE = b"u"

ANSWER_WITHIN = 30.0
"""Seconds for one image; 50 million pixels take 2 to 4 on a slow machine, and more than one shares it."""

LARGEST_ANSWER = 8 * 2**20
"""Bytes; a thumbnail has some ten thousand, and at its worst four for each of its pixels."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """Make a thumbnail: the longer edge in pixels at most, and the SHA-256 of the image (hex)."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Look:
    """Say what the pixels tell, as `seen` has it."""


Order = Thumbnail | Look


def frame(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def order_frame(order: Order) -> bytes:
    return frame(json.dumps(asdict(order)).encode())


def read_order(data: bytes) -> Order:
    given = json.loads(data)
    return Thumbnail(**given) if given else Look()

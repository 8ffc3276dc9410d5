"""What a worker process may answer. Pure.

It has read a stranger's bytes: what no worker says comes from one that was taken over, and is asked no more.
"""

from typing import assert_never

from service.decoding.frames import MADE, UNUSABLE, Look, Order, Thumbnail
from service.decoding.seen import read_seen
from service.decoding.verdict import Unusable


def read_answer(order: Order, answer: bytes) -> bytes | Unusable | None:
    """What was made of an image, or why nothing was; None for what is no answer to this order."""
    kind, body = answer[:1], answer[1:]
    if kind == UNUSABLE:
        return next((verdict for verdict in Unusable if verdict.value.encode() == body), None)
    return body if kind == MADE and _answers(order, body) else None


def _answers(order: Order, body: bytes) -> bool:
    match order:
        case Thumbnail():
            return is_whole_webp(body)
        case Look():
            return read_seen(body) is not None
        case _:
            assert_never(order)


def is_whole_webp(data: bytes) -> bool:
    """Whether this is a WebP as long as it says."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) == 8 + int.from_bytes(data[4:8], "little")

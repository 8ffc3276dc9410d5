"""What a process says that has decoded a stranger's image, and may have been taken over by it."""

from collections.abc import Iterator

from service.decoding.answer import read_answer
from service.decoding.frames import MADE, UNUSABLE, Look, Thumbnail
from service.decoding.seen import Seen, Share, read_seen, seen_json
from service.decoding.verdict import Unusable
from tests.fuzz.storable import must_be_storable

SEEN = Seen(
    "0123456789abcdef", (Share("#00ff00", 0.5), Share("#112233", 0.25)), "#abcdef", "3OcRJYB4d3h/iIeHeEh3eIhw", True
)


def seeds() -> Iterator[bytes]:
    yield MADE + seen_json(SEEN)
    yield MADE + seen_json(Seen("f" * 16, (), None, "A" * 8, False))
    yield MADE + b"RIFF\x04\0\0\0WEBP"
    yield from (UNUSABLE + verdict.value.encode() for verdict in Unusable)


def check(data: bytes) -> None:
    look = read_answer(Look(), data)
    if isinstance(look, bytes):
        seen = read_seen(look)
        assert seen is not None
        must_be_storable(seen)
        assert len(seen_json(seen)) < 1024
        assert read_seen(seen_json(seen)) == seen
    thumbnail = read_answer(Thumbnail(256, "0" * 64), data)
    if isinstance(thumbnail, bytes):
        assert thumbnail.startswith(b"RIFF")
        assert len(thumbnail) == int.from_bytes(thumbnail[4:8], "little") + 8

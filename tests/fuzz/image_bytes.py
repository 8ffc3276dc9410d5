"""What downloaded bytes are taken for: an image and its size, or why not."""

import io
from collections.abc import Iterator

from service.archive.image_type import identify
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from tests.fuzz.storable import must_be_storable
from tests.support import hostile_images

MOST_PIXELS = 1_000_000
BEGINNINGS = {ImageFormat.PNG: b"\x89PNG\r\n\x1a\n", ImageFormat.JPEG: b"\xff\xd8\xff", ImageFormat.WEBP: b"RIFF"}
SMALL = (16, 9)


def seeds() -> Iterator[bytes]:
    small = hostile_images.noise(SMALL)
    for name in ("PNG", "JPEG", "WEBP", "GIF"):
        whole = hostile_images.encoded(small, name)
        yield whole
        yield whole + b"behind"
        yield whole[: len(whole) // 2]
    yield hostile_images.encoded(small, "JPEG", progressive=True)
    yield hostile_images.encoded(small, "WEBP", lossless=True)
    yield hostile_images.encoded(small, "WEBP", save_all=True, append_images=[hostile_images.noise(SMALL)])
    yield from (one for one in hostile_images.broken().values() if len(one) < 4096)
    yield from (one for one in hostile_images.bombs().values() if len(one) < 4096)


def identified(data: bytes, most: int = MOST_PIXELS) -> Image | Failed:
    return identify(io.BytesIO(data), len(data), most)


def check(data: bytes) -> None:
    outcome = identified(data)
    if isinstance(outcome, Failed):
        must_be_storable(outcome.detail)
        assert outcome.detail.isprintable()
        assert len(outcome.detail) <= 200
        return
    assert outcome.width > 0
    assert outcome.height > 0
    assert outcome.width * outcome.height <= MOST_PIXELS
    assert data.startswith(BEGINNINGS[outcome.format])
    if outcome.format is ImageFormat.PNG:
        assert (outcome.width, outcome.height) == (int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
    smaller = identified(data, outcome.width * outcome.height - 1)
    assert isinstance(smaller, Failed)
    assert smaller.failure is Failure.TOO_LARGE
    assert identified(data + b"\xff\xd9trailer") == outcome, "what stands behind the end changes the image"
    assert identify(io.BytesIO(data + b"x"), len(data), MOST_PIXELS) == outcome, "more was read than was fetched"
    for cut in {len(data) - 1, len(data) * 3 // 4, len(data) // 2}:
        shorter = identified(data[:cut])
        assert isinstance(shorter, Failed) or shorter == outcome, "an image that is cut off is another image"

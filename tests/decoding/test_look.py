"""What pixels tell: the same of the same picture, however it is written."""

import io
import json
import math
import zlib
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter

from service.decoding.frames import Look, Thumbnail
from service.decoding.look import look
from service.decoding.process import WorkerProcess
from service.decoding.seen import Seen, read_seen, seen_json
from service.decoding.verdict import Unusable
from service.domain.likeness import apart, quarters
from tests.decoding.feeding import blocks_of
from tests.support.hostile_images import bombs, broken, encoded, noise, png, with_text_bomb
from tests.support.looking import SEEN


def scene(colour: str = "navy") -> Image.Image:
    """A picture of a few things."""
    picture = Image.new("RGB", (320, 200), colour)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((200, 20, 300, 120), fill="gold")
    draw.polygon([(0, 200), (90, 60), (190, 200)], fill="darkgreen")
    draw.rectangle((70, 150, 110, 200), fill="firebrick")
    return picture.filter(ImageFilter.GaussianBlur(2))


def seen(image: bytes) -> Seen:
    """What is seen of it, read as the service reads it."""
    told = look(io.BytesIO(image).read)
    assert isinstance(told, bytes), told
    found = read_seen(told)
    assert found is not None
    return found


def bits_apart(one: Seen, other: Seen) -> int:
    mine, theirs = quarters(one.perceptual_hash), quarters(other.perceptual_hash)
    assert mine is not None
    assert theirs is not None
    return apart(mine, theirs)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("JPEG", "RGB", {"quality": 40}),
        ("JPEG", "CMYK", {}),
        ("WEBP", "RGB", {"quality": 40}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("PNG", "P", {}),
        ("PNG", "L", {}),
    ],
)
def test_the_same_picture_has_nearly_the_same_hash(name: str, mode: str, options: dict[str, Any]) -> None:
    original = seen(encoded(scene(), "PNG"))
    assert bits_apart(original, seen(encoded(scene().convert(mode), name, **options))) <= 6
    assert bits_apart(original, seen(encoded(scene().resize((90, 56)).convert(mode), name, **options))) <= 6


def test_another_picture_has_another_hash() -> None:
    turned = scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert bits_apart(seen(encoded(scene(), "PNG")), seen(encoded(turned, "PNG"))) > 16


def test_colours_come_with_their_shares() -> None:
    picture = Image.new("RGB", (100, 100), (200, 30, 30))
    picture.paste((20, 40, 220), (0, 0, 100, 26))
    found = seen(encoded(picture, "PNG"))
    assert [one.colour for one in found.dominant] == ["#c81e1e", "#1428dc"]
    assert [one.share for one in found.dominant] == pytest.approx([0.74, 0.26], abs=0.02)
    assert found.average is not None
    assert list(bytes.fromhex(found.average[1:])) == pytest.approx([153, 33, 79], abs=4)


def test_only_what_is_opaque_counts_for_colours() -> None:
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    found = seen(encoded(picture, "PNG"))
    assert (found.dominant, found.average) == ((), None)
    picture.paste((10, 20, 30, 255), (0, 0, 32, 64))
    found = seen(encoded(picture, "PNG"))
    assert (found.average, found.transparent) == ("#0a141e", True)


@pytest.mark.parametrize(
    ("mode", "options", "transparent"),
    [
        ("RGB", {}, False),
        ("RGBA", {}, False),
        ("P", {"transparency": 0}, True),
        ("P", {"transparency": 1}, False),
        ("LA", {}, False),
        ("I;16", {}, False),
    ],
)
def test_whether_anything_shows_through_is_seen_not_assumed(
    mode: str, options: dict[str, Any], transparent: bool
) -> None:
    picture = Image.new("L", (20, 20), 0).convert(mode)
    assert seen(encoded(picture, "PNG", **options)).transparent is transparent


@pytest.mark.parametrize(("name", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_a_single_pixel_that_shows_through_is_seen(name: str, options: dict[str, Any]) -> None:
    picture = Image.new("RGBA", (900, 900), "white")
    assert seen(encoded(picture, name, **options)).transparent is False
    picture.putpixel((5, 5), (255, 255, 255, 254))
    assert seen(encoded(picture, name, **options)).transparent is True


def test_sixteen_bits_are_not_taken_for_eight() -> None:
    assert seen(encoded(Image.new("I;16", (20, 20), 32768), "PNG")).average in ("#7f7f7f", "#808080")
    rows = b"".join(b"\0" + b"\xff\xff\xff\xff\xff\xff\xff\xfe" * 20 for _ in range(20))
    assert seen(png(20, 20, zlib.compress(rows), depth=16, colour=6)).transparent is True


def test_it_is_seen_as_it_is_shown() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    sideways = scene().transpose(Image.Transpose.ROTATE_90)
    shown = seen(encoded(sideways, "JPEG", exif=turned, quality=95))
    assert bits_apart(shown, seen(encoded(scene(), "PNG"))) <= 4


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (33, 2)])
def test_a_picture_of_any_shape_has_a_placeholder(size: tuple[int, int]) -> None:
    for name in ("PNG", "JPEG", "WEBP"):
        assert seen(encoded(Image.new("RGB", size, "teal"), name)).placeholder


@pytest.mark.parametrize("name", broken())
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_broken_tells_nothing(worker: WorkerProcess, name: str) -> None:
    assert await worker.decode(Look(), blocks_of(broken()[name])) is Unusable.CORRUPT
    assert worker.is_at_rest


@pytest.mark.parametrize("name", bombs())
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bomb_is_not_decoded(worker: WorkerProcess, name: str) -> None:
    assert await worker.decode(Look(), blocks_of(bombs()[name])) is Unusable.TOO_LARGE
    assert worker.is_at_rest


@pytest.mark.asyncio(loop_scope="module")
async def test_one_process_makes_thumbnails_and_looks(worker: WorkerProcess) -> None:
    image = with_text_bomb(encoded(scene(), "PNG"), 50_000_000)
    looked = [await worker.decode(Look(), blocks_of(image)) for _ in range(2)]
    assert isinstance(await worker.decode(Thumbnail(256, "ab" * 32), blocks_of(image)), bytes)
    assert looked == [seen_json(seen(encoded(scene(), "PNG")))] * 2


@pytest.mark.long
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("PNG", "RGBA", {"compress_level": 1}),
        ("JPEG", "RGB", {"progressive": True}),
        ("WEBP", "RGBA", {"method": 0}),
        ("WEBP", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
    ],
)
async def test_all_that_the_archive_takes_fits_into_a_processs_memory(
    worker: WorkerProcess, name: str, mode: str, options: dict[str, Any]
) -> None:
    image = noise((8192, 6100)).convert(mode)
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, 300, 300))
    body = encoded(image, name, **options)
    told = await worker.decode(Look(), blocks_of(body))
    assert isinstance(told, bytes), (told, len(body))
    found = read_seen(told)
    assert found is not None
    assert found.transparent is (mode == "RGBA")


SOUND = json.loads(seen_json(SEEN))
WRONG: list[Any] = [
    None,
    [],
    {},
    {**SOUND, "more": 1},
    {**SOUND, "dominant": [{"colour": "#000000", "share": 10**400}]},
    {**SOUND, "perceptual_hash": "0" * 17},
    {**SOUND, "perceptual_hash": ["0" * 16]},
    {**SOUND, "average": "red"},
    {**SOUND, "average": "#00000\n"},
    {**SOUND, "dominant": SOUND["dominant"] * 6},
    {**SOUND, "dominant": [{"colour": "#000000", "share": 1e9}]},
    {**SOUND, "dominant": [{"colour": "#000000", "share": math.nan}]},
    {**SOUND, "dominant": [{"colour": "javascript:", "share": 1}]},
    {**SOUND, "dominant": 7},
    {**SOUND, "placeholder": "A" * 70},
    {**SOUND, "placeholder": "<b>nothing</b>"},
    {**SOUND, "transparent": 1},
]


def test_what_a_process_says_is_taken_over_as_it_must_be_and_no_otherwise() -> None:
    assert read_seen(seen_json(SEEN)) == SEEN
    assert read_seen(json.dumps({**SOUND, "average": None}).encode()) == replace(SEEN, average=None)
    assert [read_seen(json.dumps(one).encode()) for one in WRONG] == [None] * len(WRONG)
    assert [read_seen(one) for one in (b"", b"\xff", b"[" * 4000, seen_json(SEEN) + b" " * 5000)] == [None] * 4

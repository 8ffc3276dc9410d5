"""What bytes are: real images whole and cut, other things by name, hostile ones without an error."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageDraw

from service.archive.image_type import MAX_PARTS, WINDOW, identify
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat

CAP = 50_000_000


def identified(content: bytes, *, max_pixels: int = CAP) -> Image | Failed:
    return identify(io.BytesIO(content), len(content), max_pixels)


def failure(content: bytes, *, max_pixels: int = CAP) -> Failure:
    outcome = identified(content, max_pixels=max_pixels)
    assert isinstance(outcome, Failed), outcome
    return outcome.failure


def picture(mode: str = "RGB", size: tuple[int, int] = (37, 21)) -> Pillow.Image:
    image = Pillow.new(mode, size)
    draw = ImageDraw.Draw(image)
    for n in range(0, size[0] + size[1], 5):
        draw.line([(n, 0), (0, n)], fill=n * 7 % 256 if mode in ("L", "P", "1") else (n * 7 % 256, n % 256, 90))
    return image


def saved(kind: str, image: Pillow.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, kind, **options)
    return file.getvalue()


def with_thumbnail() -> bytes:
    """A JPEG that carries a whole JPEG, end marker included, in its metadata, as cameras write it."""
    inner = saved("JPEG", picture(size=(8, 8)))
    segment = b"Exif\x00\x00" + inner
    outer = saved("JPEG")
    return outer[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + outer[2:]


def animated() -> bytes:
    return saved("WEBP", save_all=True, append_images=[picture().rotate(90)], lossless=True)


IMAGES: dict[str, tuple[ImageFormat, Callable[[], bytes]]] = {
    "png": (ImageFormat.PNG, lambda: saved("PNG")),
    "png with alpha": (ImageFormat.PNG, lambda: saved("PNG", picture("RGBA"))),
    "png with a palette": (ImageFormat.PNG, lambda: saved("PNG", picture("P"))),
    "png with one bit": (ImageFormat.PNG, lambda: saved("PNG", picture("1"))),
    "png in grey": (ImageFormat.PNG, lambda: saved("PNG", picture("L"))),
    "png with metadata": (ImageFormat.PNG, lambda: saved("PNG", icc_profile=b"x" * 500, dpi=(72, 72))),
    "jpeg": (ImageFormat.JPEG, lambda: saved("JPEG")),
    "jpeg in grey": (ImageFormat.JPEG, lambda: saved("JPEG", picture("L"))),
    "jpeg, progressive": (ImageFormat.JPEG, lambda: saved("JPEG", progressive=True)),
    "jpeg, restart markers": (ImageFormat.JPEG, lambda: saved("JPEG", restart_marker_blocks=1)),
    "jpeg with a thumbnail": (ImageFormat.JPEG, with_thumbnail),
    "webp": (ImageFormat.WEBP, lambda: saved("WEBP")),
    "webp, lossless": (ImageFormat.WEBP, lambda: saved("WEBP", lossless=True)),
    "webp with alpha": (ImageFormat.WEBP, lambda: saved("WEBP", picture("RGBA"))),
    "webp with metadata": (ImageFormat.WEBP, lambda: saved("WEBP", exif=b"Exif\x00\x00MM\x00*" + b"x" * 31)),
    "webp, animated": (ImageFormat.WEBP, animated),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_a_whole_image_is_recognised_with_its_size(kind: str) -> None:
    image_format, make = IMAGES[kind]
    assert identified(make()) == Image(image_format, 37, 21)


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_cut_at_any_point_is_never_taken_for_a_whole_one(kind: str) -> None:
    content = IMAGES[kind][1]()
    for length in range(len(content)):
        assert failure(content[:length]) is Failure.TRUNCATED, length


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("trailer", [b"\x00", b"\n", b"\x00" * 4096, b"\xff\xd8\xff\xe0 another", b"x" * WINDOW])
def test_bytes_behind_a_whole_image_are_let_pass(kind: str, trailer: bytes) -> None:
    image_format, make = IMAGES[kind]
    assert identified(make() + trailer) == Image(image_format, 37, 21)


def test_only_the_size_that_is_named_is_looked_at() -> None:
    content = saved("PNG")
    assert isinstance(identify(io.BytesIO(content), len(content) - 1, CAP), Failed)


def test_a_large_image_is_read_in_windows() -> None:
    most = 0

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal most
            most = max(most, size or 0)
            return super().read(size)

    noise = Pillow.effect_noise((1500, 1100), 90).convert("RGB")
    for kind in ("JPEG", "PNG", "WEBP"):
        content = saved(kind, noise, quality=95)
        assert len(content) > 2 * WINDOW
        assert identify(Watched(content), len(content), CAP) == Image(ImageFormat(kind.lower()), 1500, 1100)
    assert 0 < most <= WINDOW


@pytest.mark.parametrize("fillers", [range(5000), range(WINDOW + 36_500, WINDOW + 37_500)])
def test_an_end_marker_is_found_wherever_it_lies_across_two_windows(fillers: range) -> None:
    head = saved("JPEG")[:-2]
    for length in fillers:
        content = head + b"\x00" * length + b"\xff\xd9"
        assert identified(content) == Image(ImageFormat.JPEG, 37, 21)
        assert failure(content[:-1]) is Failure.TRUNCATED


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_more_pixels_than_the_cap_are_too_many(kind: str) -> None:
    content = saved(kind)
    assert isinstance(identified(content, max_pixels=37 * 21), Image)
    assert failure(content, max_pixels=37 * 21 - 1) is Failure.TOO_LARGE


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *, kind: bytes = b"\x08\x02\x00\x00\x00", rest: bytes | None = None) -> bytes:
    pixels = chunk(b"IDAT", b"x") + chunk(b"IEND", b"") if rest is None else rest
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">II", width, height) + kind) + pixels


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def vp8x(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp_chunk(b"VP8X", b"\x00\x00\x00\x00" + sizes)


LOSSLESS = webp_chunk(b"VP8L", saved("WEBP", lossless=True)[20:])


def test_a_bomb_is_refused_by_its_header_alone() -> None:
    assert failure(png(100_000, 100_000)) is Failure.TOO_LARGE
    assert failure(riff(vp8x(16_000_000, 16_000_000) + LOSSLESS)) is Failure.TOO_LARGE


@pytest.mark.parametrize(
    "content",
    [
        png(0, 5),
        png(5, 0),
        png(5, 5, kind=b"\x03\x02\x00\x00\x00"),
        png(5, 5, kind=b"\x08\x05\x00\x00\x00"),
        png(5, 5, kind=b"\x08\x02\x01\x00\x00"),
        png(5, 5, kind=b"\x08\x02\x00\x00\x02"),
        png(5, 5, rest=chunk(b"IEND", b"")),
        png(5, 5, rest=chunk(b"IDAT", b"x") + chunk(b"IEND", b"x")),
        png(5, 5, rest=chunk(b"I\x00AT", b"x")),
        png(5, 5).replace(b"IHDR", b"IHDX"),
        png(5, 5)[:20] + b"\x01" + png(5, 5)[21:],
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\x05\x00\x02\xff\xd9",
        b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x05\x00\x00\x01\x01\x11\x00\xff\xda\x00\x02\xff\xd9",
        b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x05\x00\x05\x01\x01\x11\x00\xff\xd9",
        b"\xff\xd8\xff\xc0\x00\x02\x08\x00\x05\x00\x05\x01\x01\x11\x00\xff\xda\x00\x02\xff\xd9",
        b"\xff\xd8\xff\xda\x00\x02\xff\xd9",
        saved("JPEG")[:-2] + saved("JPEG")[2:],
        riff(b""),
        riff(vp8x(37, 21)),
        riff(vp8x(38, 21) + LOSSLESS),
        riff(webp_chunk(b"EXIF", b"xx") + LOSSLESS),
        riff(webp_chunk(b"VP8 ", b"x" * 20)),
        riff(webp_chunk(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a\x00\x00\x05\x00")),
        riff(webp_chunk(b"VP8L", b"\x2f\x00\x00\x00\xff")),
        riff(webp_chunk(b"VP8X", b"x")),
        riff(LOSSLESS + b"EXIF\xff\xff\x00\x00"),
    ],
)
def test_a_header_or_structure_that_lies_is_no_image(content: bytes) -> None:
    assert failure(content) is Failure.NOT_AN_IMAGE


def test_a_webp_whose_last_pad_byte_is_left_out_of_its_length_is_whole() -> None:
    odd = LOSSLESS + b"EXIF" + struct.pack("<I", 3) + b"abc"
    assert identified(riff(odd)) == Image(ImageFormat.WEBP, 37, 21)
    assert identified(riff(odd) + b"\x00") == Image(ImageFormat.WEBP, 37, 21)


def test_more_parts_than_any_real_file_has_are_not_walked() -> None:
    many = MAX_PARTS + 1
    assert failure(png(5, 5, rest=chunk(b"teXt", b"") * many)) is Failure.NOT_AN_IMAGE
    assert failure(b"\xff\xd8" + b"\xff\xe0\x00\x02" * many) is Failure.NOT_AN_IMAGE
    assert failure(riff(LOSSLESS + webp_chunk(b"EXIF", b"") * many)) is Failure.NOT_AN_IMAGE


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!DOCTYPE html><html><body>Error</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf\n  <HTML>", "an HTML page"),
        (b"<!-- cached --><html>", "an HTML page"),
        (b"<h1>Gone</h1>", "an HTML page"),
        (b'{"error":{"code":404}}', "JSON"),
        (b"[]", "JSON"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "an XML document"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing"),
        (b"<svg/>", "an SVG drawing"),
        (b"Not found\n", "plain text"),
        (b"GIF89a\x01\x00\x01\x00", "a GIF image"),
        (saved("GIF"), "a GIF image"),
        (saved("AVIF"), "an AVIF image"),
        (saved("BMP"), "a BMP image"),
        (saved("TIFF"), "a TIFF image"),
        (b"\x1f\x8b\x08\x00", "gzip data"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"RIFF\x04\x00\x00\x00WAVEfmt ", "bytes of no known format"),
        (b"\x00\x01\x02", "bytes of no known format"),
    ],
)
def test_other_things_are_called_by_their_name(content: bytes, name: str) -> None:
    assert identified(content) == Failed(Failure.NOT_AN_IMAGE, f"{name}, not a PNG, JPEG or WebP")


def test_nothing_at_all_is_a_cut_image() -> None:
    assert identified(b"") == Failed(Failure.TRUNCATED, "there are no bytes at all")


PREFIXES = (
    b"",
    b"\x89PNG\r\n\x1a\n",
    png(5, 5, rest=b""),
    b"\xff\xd8\xff",
    b"RIFF\x20\x00\x00\x00WEBP",
    riff(b"VP8 ")[:16],
)


@given(st.sampled_from(PREFIXES), st.binary(max_size=300))
def test_any_bytes_get_an_answer(prefix: bytes, rest: bytes) -> None:
    outcome = identified(prefix + rest)
    assert isinstance(outcome, Image | Failed)


@settings(max_examples=300)
@given(st.sampled_from([*IMAGES]), st.data())
def test_a_damaged_image_gets_an_answer(kind: str, data: st.DataObject) -> None:
    content = bytearray(IMAGES[kind][1]())
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        content[data.draw(st.integers(min_value=0, max_value=min(len(content) - 1, 200)))] = data.draw(
            st.integers(min_value=0, max_value=255)
        )
    assert isinstance(identified(bytes(content)), Image | Failed)

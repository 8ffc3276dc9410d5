"""Any bytes have an answer that can be stored, and soon."""

import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.image import ImageFormat
from service.inspection.exif import read_exif
from service.inspection.icc import profile_name
from service.inspection.xmp import read_xmp
from tests.inspection.images import (
    AI,
    XMP_MARK,
    app11,
    chunk,
    exif,
    itxt,
    jpeg,
    manifest_store,
    png,
    riff,
    segment,
    text_entry,
    told,
    webp,
    xmp,
)

STORE = manifest_store({"claim_generator": "x"}, AI)
WHOLE = {
    ImageFormat.PNG: png(
        chunk(b"caBX", STORE),
        chunk(b"eXIf", exif([text_entry(0x0131, "software")])),
        itxt("XML:com.adobe.xmp", xmp()),
        chunk(b"tEXt", b"key\0value"),
    ),
    ImageFormat.JPEG: jpeg(
        *app11(STORE, most=300), segment(0xE1, XMP_MARK + xmp()), segment(0xEE, b"Adobe" + bytes(7))
    ),
    ImageFormat.WEBP: webp(riff(b"C2PA", STORE), riff(b"XMP ", xmp()), riff(b"EXIF", exif([]))),
}


def is_storable(document: dict[str, Any]) -> None:
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\0" not in text
    assert "\\u0000" not in text
    assert len(text) < 16 * 1024


@given(st.sampled_from(ImageFormat), st.binary(max_size=2000))
def test_arbitrary_bytes_have_an_answer(image_format: ImageFormat, data: bytes) -> None:
    is_storable(told(data, image_format))
    is_storable(told(WHOLE[image_format][:12] + data, image_format))


@given(st.sampled_from(ImageFormat), st.data())
def test_damaged_images_have_an_answer(image_format: ImageFormat, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[image_format])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    is_storable(told(bytes(whole[:cut]), image_format))


@given(st.binary(max_size=400))
def test_arbitrary_blocks_have_an_answer(data: bytes) -> None:
    read_exif(b"II*\0" + data)
    read_exif(b"MM\0*\0\0\0\x08" + data)
    read_xmp(data)
    read_xmp(b"<x>" + data)
    profile_name(bytes(36) + b"acsp" + data)


HOSTILE = {
    "chunks without content": (b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"") * 300_000, ImageFormat.PNG),
    "segments without content": (b"\xff\xd8" + segment(0xE1, b"") * 300_000, ImageFormat.JPEG),
    "fill bytes": (b"\xff" * 2_000_000, ImageFormat.JPEG),
    "chunks of WebP": (b"RIFF\0\0\0\0WEBP" + riff(b"ALPH", b"") * 300_000, ImageFormat.WEBP),
    "a manifest of keys": (
        png(chunk(b"caBX", manifest_store({}) + b"\x71digitalSourceType\x61x\x6fclaim_generator" * 100_000)),
        ImageFormat.PNG,
    ),
    "white space in JSON": (
        png(chunk(b"caBX", manifest_store({}) + b'"digitalSourceType"' + b" " * 3_000_000)),
        ImageFormat.PNG,
    ),
    "deep XML": (png(itxt("XML:com.adobe.xmp", b"<a>" * 300_000)), ImageFormat.PNG),
    "many attributes": (
        png(itxt("XML:com.adobe.xmp", b"<a " + b" ".join(b'a%d="x"' % n for n in range(60_000)) + b"/>")),
        ImageFormat.PNG,
    ),
    "profiles that inflate": (png(chunk(b"iCCP", b"\0\0" + zlib.compress(bytes(10**6))) * 40_000), ImageFormat.PNG),
    "texts that inflate": (png(chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(10**6))) * 40_000), ImageFormat.PNG),
    "as many texts as fit": (
        png(*[chunk(b"tEXt", b"%d" % n * 20 + b"\0" + b"\xff" * 60_000) for n in range(40)]),
        ImageFormat.PNG,
    ),
    "packets that inflate": (
        png(*[itxt("XML:com.adobe.xmp", b"<a>" + bytes(900_000), compressed=True)] * 20_000),
        ImageFormat.PNG,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_take_no_more_than_seconds(name: str) -> None:
    started = time.process_time()
    is_storable(told(*HOSTILE[name]))
    assert time.process_time() - started < 5

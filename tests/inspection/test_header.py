"""EXIF, texts, colours and frames: what the parts of a file say, short and storable."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from service.domain.image import ImageFormat
from tests.inspection.images import chunk, exif, itxt, jpeg, plain, png, riff, segment, text_entry, told, webp

TEXTS = [
    text_entry(0x010E, "a lighthouse"),
    text_entry(0x0131, "gpt-image-2"),
    text_entry(0x013B, "Ada"),
    (0x0112, 3, 1, struct.pack("<H", 6)),
]
SELECTED = {"image_description": "a lighthouse", "software": "gpt-image-2", "artist": "Ada", "orientation": 6}


@pytest.mark.parametrize(
    ("data", "image_format"),
    [
        pytest.param(png(chunk(b"eXIf", exif(TEXTS))), ImageFormat.PNG, id="png"),
        pytest.param(jpeg(segment(0xE1, b"Exif\0\0" + exif(TEXTS))), ImageFormat.JPEG, id="jpeg"),
        pytest.param(webp(riff(b"EXIF", exif(TEXTS))), ImageFormat.WEBP, id="webp"),
    ],
)
def test_a_selection_of_exif_is_told(data: bytes, image_format: ImageFormat) -> None:
    assert told(data, image_format)["exif"] == {"gps": False, **SELECTED}


def test_exif_of_either_byte_order_and_of_its_second_folder_is_read() -> None:
    second = struct.pack(">H", 1) + struct.pack(">HHI", 0x9003, 2, 20) + struct.pack(">I", 8 + 18 + 18)
    first = struct.pack(">H", 1) + struct.pack(">HHII", 0x8769, 4, 1, 26) + bytes(4)
    block = b"MM\0*" + struct.pack(">I", 8) + first + second + bytes(4) + b"2026:05:01 12:00:00\0"
    assert told(png(chunk(b"eXIf", block)), ImageFormat.PNG)["exif"] == {
        "gps": False,
        "date_time_original": "2026:05:01 12:00:00",
    }


def test_of_a_place_only_its_presence_is_told() -> None:
    block = exif([text_entry(0x010F, "Maker"), (0x8825, 4, 1, struct.pack("<I", 8)), text_entry(0xA431, "serial 77")])
    assert told(png(chunk(b"eXIf", block)), ImageFormat.PNG)["exif"] == {"gps": True, "make": "Maker"}


def test_folders_that_point_at_each_other_end() -> None:
    loop = exif([(0x8769, 4, 1, struct.pack("<I", 8))] * 20)
    assert told(png(chunk(b"eXIf", loop)), ImageFormat.PNG)["exif"] == {"gps": False}


def test_texts_of_generators_are_kept_by_keyword() -> None:
    data = png(
        chunk(b"tEXt", b"parameters\0a lighthouse, steps: 20"),
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"{" + b"x" * 5000)),
        itxt("Titel", "Müller".encode(), compressed=True),
        chunk(b"tEXt", b"latin\0M\xfcller\x00\x1b[31m"),
    )
    texts = told(data, ImageFormat.PNG)["text"]
    assert (texts["parameters"], texts["Titel"], texts["latin"]) == (
        "a lighthouse, steps: 20",
        "Müller",
        "Müller[31m",
    )
    assert (len(texts["workflow"]), texts["workflow"][-1]) == (1000, "…")


@pytest.mark.parametrize(
    "keyword",
    [
        "Raw profile type exif",
        "Raw profile type APP1",
        "raw PROFILE type xmp",
        " \x01Raw profile type iptc",
        "exif:GPSLatitude",
        "EXIF:BodySerialNumber",
        "exifEX:BodySerialNumber",
        "GPSLatitude",
        "aux:OwnerName",
        "xmp:Label",
        "xmpMM:History",
        "XML:com.adobe.xmp",
        "xml:COM.adobe.XMP",
    ],
)
def test_exif_and_xmp_in_the_guise_of_texts_are_not_told(keyword: str) -> None:
    key = keyword.encode()
    chunks = [
        chunk(b"tEXt", key + b"\0" + b"exif\n 52.5"),
        chunk(b"zTXt", key + b"\0\0" + zlib.compress(b"52.5")),
        itxt(keyword, b"52.5"),
    ]
    for one in chunks:
        assert told(png(one, chunk(b"tEXt", b"Software\0x")), ImageFormat.PNG)["text"] == {"Software": "x"}


def test_texts_are_bounded_in_number_and_when_inflated() -> None:
    bomb = chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(50_000_000), 9))
    many = [chunk(b"tEXt", b"key %d\0value" % number) for number in range(500)]
    texts = told(png(bomb, *many), ImageFormat.PNG)["text"]
    assert (len(texts), texts["bomb"]) == (16, "")


COLOURS = [
    ("PNG", "RGB", {}, {"type": "rgb", "bits": 8, "alpha": False}),
    ("PNG", "RGBA", {}, {"type": "rgba", "bits": 8, "alpha": True}),
    ("PNG", "L", {}, {"type": "gray", "bits": 8, "alpha": False}),
    ("PNG", "LA", {}, {"type": "graya", "bits": 8, "alpha": True}),
    ("PNG", "P", {"transparency": 0}, {"type": "palette", "bits": 1, "alpha": True}),
    ("PNG", "1", {}, {"type": "gray", "bits": 1, "alpha": False}),
    ("PNG", "I;16", {}, {"type": "gray", "bits": 16, "alpha": False}),
    ("JPEG", "RGB", {}, {"type": "ycbcr", "bits": 8, "alpha": False}),
    ("JPEG", "RGB", {"keep_rgb": True}, {"type": "rgb", "bits": 8, "alpha": False}),
    ("JPEG", "L", {}, {"type": "gray", "bits": 8, "alpha": False}),
    ("JPEG", "CMYK", {}, {"type": "cmyk", "bits": 8, "alpha": False}),
    ("WEBP", "RGB", {}, {"type": "ycbcr", "bits": 8, "alpha": False}),
    ("WEBP", "RGBA", {"lossless": True, "exact": True}, {"type": "rgba", "bits": 8, "alpha": True}),
    ("WEBP", "RGBA", {}, {"type": "ycbcr", "bits": 8, "alpha": True}),
]


@pytest.mark.parametrize(("name", "mode", "options", "expected"), COLOURS)
def test_the_layout_of_samples_is_told(
    name: str, mode: str, options: dict[str, Any], expected: dict[str, object]
) -> None:
    found = told(plain(name, mode, **options), ImageFormat[name])
    assert (found["colour"], found["frames"]) == ({**expected, "icc_profile": None}, 1)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_frames_are_counted(name: str) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 6), (shade, 0, 0)) for shade in (0, 99, 255)]
    frames[0].save(file, name, save_all=True, append_images=frames[1:])
    assert told(file.getvalue(), ImageFormat[name])["frames"] == 3


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_the_colour_profile_is_told_by_its_own_name(name: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    data = plain(name, icc_profile=profile.tobytes())
    assert told(data, ImageFormat[name])["colour"]["icc_profile"] == "sRGB built-in"

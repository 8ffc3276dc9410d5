"""What an image's file tells of itself: provenance, EXIF, texts, colours."""

import io
import json
from collections.abc import Iterator

from service.domain.image import ImageFormat
from service.inspection.header import read_header
from service.inspection.parts import ImageFile
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable
from tests.inspection import images

FORMATS = tuple(ImageFormat)
LONGEST = 16 * 1024
"""Characters of the document: whoever lists images gets it for each of them."""


def seeds() -> Iterator[bytes]:
    store = images.manifest_store({"claim_generator": "x", "claim_generator_info": [{"name": "y"}]}, images.AI)
    packet = images.xmp("<dcterms:provenance>https://h.example/m</dcterms:provenance>", 'xmp:CreatorTool="t"')
    block = images.exif([images.text_entry(0x0131, "software"), (0x0112, 3, 1, b"\6\0"), (0x8825, 4, 1, b"\0")])
    whole = {
        ImageFormat.PNG: images.png(
            images.chunk(b"caBX", store),
            images.chunk(b"eXIf", block),
            images.itxt("XML:com.adobe.xmp", packet),
            images.itxt("prompt", "日落".encode(), compressed=True),
            images.chunk(b"tEXt", b"key\0value"),
        ),
        ImageFormat.JPEG: images.jpeg(
            *images.app11(store, most=300),
            images.segment(0xE1, images.XMP_MARK + packet),
            images.segment(0xE1, b"Exif\0\0" + block),
            images.segment(0xEE, b"Adobe" + bytes(7)),
        ),
        ImageFormat.WEBP: images.webp(
            images.riff(b"C2PA", store), images.riff(b"XMP ", packet), images.riff(b"EXIF", block)
        ),
    }
    for number, image_format in enumerate(FORMATS):
        yield bytes([number]) + whole[image_format]


def check(data: bytes) -> None:
    pieces = Pieces(data)
    image_format = FORMATS[pieces.number(len(FORMATS) - 1)]
    content = pieces.rest()
    told = read_header(ImageFile(io.BytesIO(content), len(content), image_format))
    must_be_storable(told)
    assert len(json.dumps(told, ensure_ascii=False)) < LONGEST
    assert json.loads(json.dumps(told)) == told, "a database gives back something else"
    if told["exif"] is not None:
        assert told["exif"].keys() <= EXIF, "more of EXIF is told than was chosen"
        assert told["exif"]["gps"] in (True, False)
        assert 1 <= told["exif"].get("orientation", 1) <= 8


EXIF = {"gps", "orientation", "image_description", "make", "model", "software", "date_time", "artist", "copyright"} | {
    "date_time_original"
}

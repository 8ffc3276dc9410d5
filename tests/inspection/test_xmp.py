"""IPTC's digital source type is found in every form that RDF has for it, and hostile XML finds nothing to do."""

import struct

import pytest

from service.domain.image import ImageFormat
from service.inspection.xmp import LONGEST_URL, read_xmp
from tests.inspection.images import AI, EXTENDED_MARK, XMP_MARK, itxt, jpeg, png, riff, segment, told, webp, xmp

FORMS = [
    pytest.param(xmp(attributes=f'ext:DigitalSourceType="{AI}"'), id="attribute"),
    pytest.param(xmp(f"<ext:DigitalSourceType>{AI}</ext:DigitalSourceType>"), id="element"),
    pytest.param(xmp(f'<ext:DigitalSourceType rdf:resource="{AI}"/>'), id="resource"),
    pytest.param(
        xmp(f"<ext:DigitalSourceType><rdf:Bag><rdf:li>{AI}</rdf:li></rdf:Bag></ext:DigitalSourceType>"), id="bag"
    ),
    pytest.param(xmp(f"<ext:DigitalSourceType>{AI}</ext:DigitalSourceType>")[:-60] + bytes(900), id="padded and cut"),
]


@pytest.mark.parametrize("packet", FORMS)
def test_it_is_found_in_every_form(packet: bytes) -> None:
    assert read_xmp(packet)["digital_source_type"] == AI


PACKET = xmp(attributes=f'ext:DigitalSourceType="{AI}" xmp:CreatorTool="gpt-image-2"')


@pytest.mark.parametrize(
    ("data", "image_format"),
    [
        pytest.param(png(itxt("XML:com.adobe.xmp", PACKET)), ImageFormat.PNG, id="png"),
        pytest.param(png(itxt("XML:com.adobe.xmp", PACKET, compressed=True)), ImageFormat.PNG, id="png, compressed"),
        pytest.param(jpeg(segment(0xE1, XMP_MARK + PACKET)), ImageFormat.JPEG, id="jpeg"),
        pytest.param(webp(riff(b"XMP ", PACKET)), ImageFormat.WEBP, id="webp"),
    ],
)
def test_it_is_found_in_every_container(data: bytes, image_format: ImageFormat) -> None:
    found = told(data, image_format)
    assert (found["digital_source_type"], found["creator_tool"]) == (AI, "gpt-image-2")
    assert (found["c2pa"], found["text"]) == ({"detected": False}, {})


def test_it_is_found_in_a_packet_that_goes_on_in_further_segments() -> None:
    name = b"0123456789ABCDEF0123456789ABCDEF"
    whole = xmp(f"<ext:Other>{'x' * 90_000}</ext:Other><ext:DigitalSourceType>{AI}</ext:DigitalSourceType>")
    pieces = [
        segment(0xE1, EXTENDED_MARK + name + struct.pack(">II", len(whole), at) + whole[at : at + 60_000])
        for at in range(0, len(whole), 60_000)
    ]
    first = segment(0xE1, XMP_MARK + xmp(attributes=f'note:HasExtendedXMP="{name.decode()}"'))
    stranger = segment(0xE1, XMP_MARK + xmp())
    assert told(jpeg(first, *pieces), ImageFormat.JPEG)["digital_source_type"] == AI
    assert told(jpeg(stranger, *pieces), ImageFormat.JPEG)["digital_source_type"] is None


def test_entities_and_document_types_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    assert read_xmp(bomb + xmp(attributes=f'ext:DigitalSourceType="{AI}"').partition(b"?>")[2]) == {}
    stolen = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    assert read_xmp(stolen) == {}


def test_values_are_kept_short_and_storable() -> None:
    packet = xmp(f"<ext:DigitalSourceType>{'y' * 5000}&#x85;</ext:DigitalSourceType>")
    found = read_xmp(packet)["digital_source_type"]
    assert (len(found), found[-1]) == (LONGEST_URL, "…")


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 99, b"<a" * 9000, b'<?xml version="1.0" encoding="cp037"?><a/>', b"<a>" * 100_000]
)
def test_what_is_no_xml_says_nothing(packet: bytes) -> None:
    assert read_xmp(packet) == {}

"""IPTC's digital source type is found in every form that RDF has for it, and hostile XML finds nothing to do."""

import encodings
import struct
import subprocess
import sys

import pytest

from service.domain.image import ImageFormat
from service.inspection.xmp import DEEPEST, LONGEST_PACKET, LONGEST_URL, MOST_ATTRIBUTES, MOST_ELEMENTS, read_xmp
from tests.inspection.images import AI, EXTENDED_MARK, XMP_MARK, itxt, jpeg, png, riff, segment, told, webp, xmp

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
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
    typed = f'<!DOCTYPE x [<!ENTITY a "{AI}">]><x xmlns:e="{IPTC}"><e:DigitalSourceType>&a;</e:DigitalSourceType></x>'
    assert read_xmp(typed.encode()) == read_xmp(typed.encode("utf-16")) == read_xmp(typed.encode("utf-16-be")) == {}


def test_prefixes_stand_for_what_the_nearest_element_says() -> None:
    def found(text: str) -> str | None:
        return read_xmp(f'<x xmlns:e="{IPTC}" xmlns:other="urn:other">{text}</x>'.encode()).get("digital_source_type")

    assert found(f"<e:DigitalSourceType>{AI}</e:DigitalSourceType>") == AI
    assert found(f'<DigitalSourceType xmlns="{IPTC}">{AI}</DigitalSourceType>') == AI
    assert found(f'<y xmlns:other="{IPTC}"><z other:DigitalSourceType="{AI}"/></y>') == AI
    assert found(f'<y xmlns:other="{IPTC}"/><z other:DigitalSourceType="{AI}"/>') is None
    assert found(f'<y xmlns:e="urn:other"><z e:DigitalSourceType="{AI}"/></y>') is None
    assert found(f'<y xmlns:e="urn:other"/><z e:DigitalSourceType="{AI}"/>') == AI
    assert found(f'<y xmlns="{IPTC}" DigitalSourceType="{AI}"/>') is None
    assert found(f"<other:DigitalSourceType>{AI}</other:DigitalSourceType>") is None


FOUND_LAST = f"<e:DigitalSourceType>{AI}</e:DigitalSourceType>"
IN_A_NARROW_PLACE = """
import resource, sys
from service.inspection.xmp import read_xmp
resource.setrlimit(resource.RLIMIT_AS, (256 * 2**20,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
print(read_xmp(sys.stdin.buffer.read()))
"""


def confined(packet: bytes) -> str:
    """What is found by a process that has 256 MiB of addresses and 3 seconds in all."""
    process = subprocess.run([sys.executable, "-c", IN_A_NARROW_PLACE], input=packet, capture_output=True, check=False)
    return process.stdout.decode().strip() or f"ended: {process.returncode}"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("<x " + " ".join(f'p:a{n}=""' for n in range(3000)) + "/>", id="attributes"),
        pytest.param("<p:b/>" * (MOST_ELEMENTS - 9), id="elements"),
        pytest.param("<p:b>" * (DEEPEST - 9) + "</p:b>" * (DEEPEST - 9), id="depth"),
    ],
)
def test_a_long_namespace_costs_nothing_where_its_prefix_is_used(hostile: str) -> None:
    packet = f'<x xmlns:p="{"u" * 500_000}" xmlns:e="{IPTC}">{hostile}{FOUND_LAST}</x>'.encode()
    assert len(packet) < LONGEST_PACKET
    assert confined(packet) == str({"digital_source_type": AI})


@pytest.mark.parametrize(
    "too_much",
    [
        pytest.param("<a>" * DEEPEST + "</a>" * DEEPEST, id="depth"),
        pytest.param("<a/>" * MOST_ELEMENTS, id="elements"),
        pytest.param("<a " + " ".join(f'a{n}=""' for n in range(MOST_ATTRIBUTES + 1)) + "/>", id="attributes"),
    ],
)
def test_what_comes_before_too_much_counts(too_much: str) -> None:
    packet = (
        f'<x xmlns:e="{IPTC}" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="t">{too_much}{FOUND_LAST}</x>'
    )
    assert read_xmp(packet.encode()) == {"creator_tool": "t"}


def test_all_packets_of_an_image_together_are_bounded() -> None:
    filler, packet = b"<a>" + b" " * (LONGEST_PACKET - 3), xmp(attributes=f'ext:DigitalSourceType="{AI}"')

    def of(*packets: bytes) -> str | None:
        chunks = [itxt("XML:com.adobe.xmp", one, compressed=True) for one in packets]
        source_type: str | None = told(png(*chunks), ImageFormat.PNG)["digital_source_type"]
        return source_type

    assert of(filler, packet) == AI
    assert of(filler, filler, packet) is None


def test_an_encoding_is_not_looked_up_by_a_name_from_the_packet() -> None:
    name = "made-up-for-this"
    read_xmp(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode())
    assert [one for one in encodings._cache if "made" in one] == []


def test_values_are_kept_short_and_storable() -> None:
    packet = xmp(f"<ext:DigitalSourceType>{'y' * 5000}&#x85;</ext:DigitalSourceType>")
    found = read_xmp(packet)["digital_source_type"]
    assert (len(found), found[-1]) == (LONGEST_URL, "…")


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 99, b"<a" * 9000, b'<?xml version="1.0" encoding="cp037"?><a/>', b"<a>" * 100_000]
)
def test_what_is_no_xml_says_nothing(packet: bytes) -> None:
    assert read_xmp(packet) == {}

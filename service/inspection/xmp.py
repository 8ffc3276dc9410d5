"""What XMP says of an image's origin: IPTC's DigitalSourceType and a link to a C2PA manifest elsewhere. Pure.

A real XML parser reads it, because RDF has the same thing as attribute, element and resource, under any prefix; but one
that refuses document types, so that there are no entities, and that stops at what is wrong: what came before counts.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

from service.inspection.bounded_text import clean

LONGEST_PACKET = 1024 * 1024
"""Bytes of a packet that are looked at."""

LONGEST_URL = 500
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_WANTED = {
    f"{_IPTC} DigitalSourceType": "digital_source_type",
    f"{_IPTC} DigitalSourcetype": "digital_source_type",  # as some write it
    "http://purl.org/dc/terms/ provenance": "provenance",
    "http://ns.adobe.com/xap/1.0/ CreatorTool": "creator_tool",
    "http://ns.adobe.com/xmp/note/ HasExtendedXMP": "extended",
}


class _StopError(Exception):
    """Ends the parser; caught in `read_xmp`."""


@dataclass(slots=True)
class _Finder:
    """Collects the wanted properties, the first value of each."""

    found: dict[str, str] = field(default_factory=dict)
    inside: str | None = None
    depth: int = 0
    text: list[str] = field(default_factory=list)
    length: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        for key, value in attributes.items():
            if key in _WANTED:
                self._keep(_WANTED[key], value)
        if self.inside is not None:
            self.depth += 1
        elif name in _WANTED:
            self.inside, self.depth, self.text, self.length = _WANTED[name], 0, [], 0
        if self.inside is not None:
            self._keep(self.inside, attributes.get(f"{_RDF} resource", ""))

    def end(self, _name: str) -> None:
        if self.inside is None:
            return
        if self.depth:
            self.depth -= 1
            return
        self._keep(self.inside, "".join(self.text))
        self.inside = None

    def characters(self, text: str) -> None:
        if self.inside is not None and self.length < 4 * LONGEST_URL:
            self.text.append(text)
            self.length += len(text)

    def refuse(self, *_: object) -> None:
        raise _StopError

    def _keep(self, name: str, value: str) -> None:
        if text := clean(value, LONGEST_URL):
            self.found.setdefault(name, text)


def read_xmp(packet: bytes) -> dict[str, str]:
    """Values by name: `digital_source_type`, `provenance` (a URL), `creator_tool`, `extended` (a GUID)."""
    finder = _Finder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = finder.start
    parser.EndElementHandler = finder.end
    parser.CharacterDataHandler = finder.characters
    parser.StartDoctypeDeclHandler = finder.refuse
    with suppress(_StopError, expat.ExpatError, ValueError, LookupError):  # cut off, or no XML that it can read
        parser.Parse(packet[:LONGEST_PACKET].rstrip(b"\0 \r\n\t"), True)
    return finder.found

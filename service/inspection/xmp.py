"""What XMP says of an image's origin: IPTC's DigitalSourceType and a link to a C2PA manifest elsewhere. Pure.

A real XML parser reads it, because RDF has the same thing as attribute, element and resource, under any prefix. It is
one that meets no document types, so no entities, and that stops at what is wrong or too much: what came before counts.
Prefixes are resolved here: the parser would write the whole namespace, however long, before each of many names.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

from service.inspection.bounded_text import clean

LONGEST_PACKET = 1024 * 1024
"""Bytes of a packet that are looked at."""

LONGEST_URL = 500

MOST_ELEMENTS = 50_000
MOST_ATTRIBUTES = 4096
"""Of one element; Camera Raw writes some 500."""

DEEPEST = 64
MOST_PREFIXES = 16
"""That stand for a namespace of those below, at one place of a packet."""

_AT_ONCE = 64 * 1024
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RESOURCE = (_RDF, "resource")
_WANTED = {
    (_IPTC, "DigitalSourceType"): "digital_source_type",
    (_IPTC, "DigitalSourcetype"): "digital_source_type",  # as some write it
    ("http://purl.org/dc/terms/", "provenance"): "provenance",
    ("http://ns.adobe.com/xap/1.0/", "CreatorTool"): "creator_tool",
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"): "extended",
}
_NAMESPACES = {_RDF, *(namespace for namespace, _ in _WANTED)}

Scope = Mapping[str, str]
"""The namespaces of `_NAMESPACES` by the prefixes that stand for them; "" is that of elements without one."""


class _StopError(Exception):
    """Ends the reading; caught in `read_xmp`."""


@dataclass(slots=True)
class _Finder:
    """Collects the wanted properties, the first value of each."""

    found: dict[str, str] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=lambda: [{}])
    elements: int = 0
    inside: str | None = None
    depth: int = 0
    text: list[str] = field(default_factory=list)
    length: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(attributes) > MOST_ATTRIBUTES or len(self.scopes) > DEEPEST:
            raise _StopError
        scope = _scope(self.scopes[-1], attributes)
        self.scopes.append(scope)
        given = {_resolved(key, scope): value for key, value in attributes.items() if ":" in key}
        for key, value in given.items():
            if key in _WANTED:
                self._keep(_WANTED[key], value)
        wanted = _WANTED.get(_resolved(name, scope))
        if self.inside is not None:
            self.depth += 1
        elif wanted is not None:
            self.inside, self.depth, self.text, self.length = wanted, 0, [], 0
        if self.inside is not None:
            self._keep(self.inside, given.get(_RESOURCE, ""))

    def end(self, _name: str) -> None:
        self.scopes.pop()
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

    def _keep(self, name: str, value: str) -> None:
        if text := clean(value, LONGEST_URL):
            self.found.setdefault(name, text)


def _scope(outer: Scope, attributes: Mapping[str, str]) -> Scope:
    """What prefixes stand for within an element of these attributes."""
    scope = outer
    for key, namespace in attributes.items():
        prefix = key[6:] if key.startswith("xmlns:") else ""
        if not prefix and key != "xmlns":
            continue
        if namespace in _NAMESPACES and len(scope) < MOST_PREFIXES:
            scope = {**scope, prefix: namespace}
        elif prefix in scope:
            scope = {known: scope[known] for known in scope if known != prefix}
    return scope


def _resolved(name: str, scope: Scope) -> tuple[str, str]:
    """Namespace and local name; the namespace is empty where it is none of ours."""
    prefix, _, local = name.rpartition(":")
    return scope.get(prefix, ""), local


def read_xmp(packet: bytes) -> dict[str, str]:
    """Values by name: `digital_source_type`, `provenance` (a URL), `creator_tool`, `extended` (a GUID).

    Only UTF-8 is read, as in all three formats: a packet that names another encoding would have it looked up.
    """
    text = packet[:LONGEST_PACKET].partition(b"\0")[0].rstrip()
    if b"<!DOCTYPE" in text:  # not left to how soon a parser ends whose handler raises
        return {}
    finder = _Finder()
    parser = expat.ParserCreate("utf-8", intern=None)
    parser.buffer_text = True
    parser.StartElementHandler = finder.start
    parser.EndElementHandler = finder.end
    parser.CharacterDataHandler = finder.characters
    with suppress(_StopError, expat.ExpatError, ValueError):  # cut off, or no XML that it can read
        for start in range(0, len(text), _AT_ONCE):
            parser.Parse(text[start : start + _AT_ONCE])
        parser.Parse(b"", True)
    return finder.found

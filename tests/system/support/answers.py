"""What an image host may answer: the picture, slowly, halted halfway, cut short, a page instead, a redirect."""

import asyncio
from dataclasses import dataclass, field

from tests.system.support.pictures import Picture


@dataclass(frozen=True, slots=True)
class Gate:
    """Halts an answer after its first part: `reached` tells that it waits, `opened` lets it go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `pause` in seconds before each part but the first. A length that lies ends the connection."""

    status: str
    headers: tuple[tuple[str, str], ...]
    parts: tuple[bytes, ...]
    announced: int
    pause: float = 0.0
    gate: Gate | None = None

    @property
    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status}", f"Content-Length: {self.announced}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    @property
    def is_cut(self) -> bool:
        return sum(map(len, self.parts)) != self.announced


def whole(picture: Picture) -> Answer:
    return Answer("200 OK", _type(picture), (picture.body,), len(picture.body))


def slow(picture: Picture, *, parts: int, pause: float) -> Answer:
    """In so many parts, with so many seconds between them."""
    return Answer("200 OK", _type(picture), _parts(picture.body, parts), len(picture.body), pause)


def halted(picture: Picture, gate: Gate) -> Answer:
    """The first half, then the rest when the gate opens."""
    return Answer("200 OK", _type(picture), _parts(picture.body, 2), len(picture.body), gate=gate)


def truncated(picture: Picture) -> Answer:
    """Half of what was announced."""
    return Answer("200 OK", _type(picture), _parts(picture.body, 2)[:1], len(picture.body))


def page() -> Answer:
    """200 and an HTML page under the name of an image, as a CDN does when something is wrong."""
    body = b"<!doctype html><title>One moment</title><p>Please try again."
    return Answer("200 OK", (("Content-Type", "text/html"),), (body,), len(body))


def redirect(location: str) -> Answer:
    return Answer("302 Found", (("Location", location),), (), 0)


def nothing_here() -> Answer:
    return Answer("404 Not Found", (), (), 0)


def _type(picture: Picture) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", picture.media_type),)


def _parts(body: bytes, count: int) -> tuple[bytes, ...]:
    size = -(-len(body) // count)
    return tuple(body[start : start + size] for start in range(0, len(body), size))

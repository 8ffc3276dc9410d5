"""In what two images differ and what they have in common, line by line. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from service.gallery.image import ShownImage

_PIECE = re.compile(r"[^\W\u0e00-\U0003ffff]+|\s+|.", re.DOTALL)
"""A word, or a character of a script that has no spaces between words."""

_MOST_PIECES = 600
"""Of a prompt whose words are compared, which takes the square of that."""

Marked = list[tuple[str, bool]]
"""Parts of a text, and whether the other text has them differently."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is known of two images; `of` says of which parameter or tag."""

    name: str
    first: Any
    second: Any
    of: str | None = None

    @property
    def differs(self) -> bool:
        return bool(self.first != self.second)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two images, and what is known of them."""

    first: ShownImage
    second: ShownImage

    @property
    def differing(self) -> list[Line]:
        return [one for one in self._lines() if one.differs]

    @property
    def same(self) -> list[Line]:
        return [one for one in self._lines() if not one.differs]

    @property
    def prompts(self) -> tuple[Marked, Marked]:
        return marked(self.first.task["prompt"] or "", self.second.task["prompt"] or "")

    def _lines(self) -> list[Line]:
        """What at least one of them has."""
        known = [
            self._line("prompt", lambda one: one.task["prompt"]),
            self._line("model", lambda one: one.task["model"]),
            *self._named("parameter", lambda one: one.task["parameters"]),
            self._line("pixels", _pixels),
            self._line("format", lambda one: one.asset["format"]),
            self._line("bytes", lambda one: one.asset["bytes"]),
            self._line("cost", _dollars),
            self._line("created", lambda one: one.task["created_at"]),
            self._line("archived", lambda one: one.asset["archived_at"]),
            self._line("ref", lambda one: one.task["ref"]),
            *self._named("tag", lambda one: one.task["tags"]),
            self._line("task", lambda one: one.task["id"]),
            self._line("hash", lambda one: one.asset["sha256"]),
        ]
        return [one for one in known if one.first is not None or one.second is not None]

    def _line(self, name: str, value_of: Callable[[ShownImage], Any]) -> Line:
        return Line(name, value_of(self.first), value_of(self.second))

    def _named(self, name: str, values_of: Callable[[ShownImage], Mapping[str, Any] | None]) -> list[Line]:
        """A line for each name that one of two maps has."""
        first, second = values_of(self.first) or {}, values_of(self.second) or {}
        return [Line(name, first.get(one), second.get(one), of=one) for one in {**first, **second}]


def marked(first: str, second: str) -> tuple[Marked, Marked]:
    """Both texts in parts; long ones whole."""
    pieces, others = _PIECE.findall(first), _PIECE.findall(second)
    if max(len(pieces), len(others)) > _MOST_PIECES:
        return [(first, False)], [(second, False)]
    steps = SequenceMatcher(None, pieces, others, autojunk=False).get_opcodes()
    return (
        [("".join(pieces[begin:end]), kind != "equal") for kind, begin, end, _, _ in steps if end > begin],
        [("".join(others[begin:end]), kind != "equal") for kind, _, _, begin, end in steps if end > begin],
    )


def _pixels(image: ShownImage) -> str | None:
    width, height = image.asset["width"], image.asset["height"]
    return f"{width} × {height}" if width is not None else None  # noqa: RUF001 - that is the sign


def _dollars(image: ShownImage) -> float | None:
    cost = image.task["cost"]
    return cost["usd"] if cost is not None else None

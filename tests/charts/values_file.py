"""values.yaml as people read it: its keys in their order, with defaults and the `# -- ` comments above them. Pure.

A map is taken apart as long as keys below it have comments of their own; otherwise it is one key with a structured
default. Keys that have no comment, and stand under none that speaks for them, are found and told. A comment without
the two dashes above a map tells what all of it is for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_COMMENT = re.compile(r"^\s*#(?: (.*))?$")
_DESCRIBES = "-- "
_DECIDED = re.compile(r"DARKROOM_[A-Z_]+: ")
"""How a comment begins that says what decides a setting which has no key."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: where it is, what it holds, what its comment says of it or leads in with, and the keys below it."""

    path: tuple[str, ...]
    line: int
    default: Any
    description: str
    lead: str
    below: tuple["Key", ...]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def walk(self) -> Iterator["Key"]:
        """This one and all below it, in their order."""
        yield self
        for one in self.below:
            yield from one.walk()


def read(text: str) -> tuple[Key, ...]:
    """The keys of the first level; raises ValueError for a file that is no map."""
    document = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(document, yaml.MappingNode):
        raise ValueError("the values are no map")
    return _below(document, (), text.splitlines(), yaml.safe_load(text))


def read_file(path: Path) -> tuple[Key, ...]:
    return read(path.read_text("utf-8"))


def rows(keys: tuple[Key, ...]) -> Iterator[Key]:
    """Keys that an operator sets: those that are not taken apart."""
    for key in keys:
        for one in key.walk():
            if not one.below:
                yield one


def undescribed(keys: tuple[Key, ...]) -> list[str]:
    """Keys of operators that nobody says a word about, each with its line."""
    return [f"line {one.line}: {one.name}" for one in rows(keys) if not one.description]


def key_name(variable: str) -> str:
    """Where a setting has its key: `DARKROOM_CALLBACKS__MAX_BODY_BYTES` at `settings.callbacks.maxBodyBytes`."""
    parts = [part.split("_") for part in variable.removeprefix("DARKROOM_").lower().split("__")]
    return ".".join(["settings", *(first + "".join(word.title() for word in rest) for first, *rest in parts)])


def _below(
    node: yaml.MappingNode, path: tuple[str, ...], lines: list[str], values: Mapping[str, Any]
) -> tuple[Key, ...]:
    found = []
    for name, value in node.value:
        place = (*path, str(name.value))
        line = name.start_mark.line
        inner: tuple[Key, ...] = ()
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            inner = _below(value, place, lines, values[name.value] or {})
            if not any(one.description for key in inner for one in key.walk()):
                inner = ()
        described, text = _comment(lines, line)
        texts = (text, "") if described else ("", text)
        found.append(Key(place, line + 1, values[name.value], *texts, inner))
    return tuple(found)


def _comment(lines: list[str], line: int) -> tuple[bool, str]:
    """The text of the comment directly above a line, from its last `# -- ` on, and whether it has one."""
    told: list[str] = []
    for above in reversed(lines[:line]):
        match = _COMMENT.match(above)
        text = (match[1] or "").strip() if match else ""
        if text.startswith(_DESCRIBES):
            return True, " ".join([text.removeprefix(_DESCRIBES), *told]).strip()
        if not text or _DECIDED.match(text):
            break
        told.insert(0, text)
    return False, " ".join(told)

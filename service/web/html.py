"""HTML out of nested calls: whatever is not marked as HTML is escaped, so that no text can become markup."""

import re
from collections.abc import Iterable
from html import escape

_VOID = frozenset({"input", "link", "meta", "br"})
_CODE_OR_STRONG = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def tag(name: str, /, *inner: str, **attributes: str | bool | None) -> Html:
    """An element; `class_` and the like stand for what Python has words for, True for an attribute without a value."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    said = "".join(_attribute(key, value) for key, value in given.items() if value not in (None, False))
    return Html(f"<{name}{said}>" if name in _VOID else f"<{name}{said}>{joined(inner)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def prose(text: str) -> Html:
    """Text in which `code` and **what matters** are marked."""
    parts: list[str] = []
    end = 0
    for found in _CODE_OR_STRONG.finditer(text):
        parts += [text[end : found.start()], tag("code", found[1]) if found[1] else tag("strong", found[2])]
        end = found.end()
    return joined([*parts, text[end:]])


def paragraphs(text: str) -> Html:
    return joined(tag("p", prose(one)) for one in text.strip().split("\n\n"))


def _attribute(name: str, value: str | bool | None) -> str:
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'

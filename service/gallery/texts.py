"""What the pages say, in four languages. English sentences stand in the pages and are what the others are looked
up by; what comes out of the data, as `status dead`, has its English in a file, too. `tests/gallery/test_texts.py` lists
what a language lacks, ready to be pasted into its file.

`one thing|{n} things` has a form for one and a form for others; languages without that have one.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文", "ja": "日本語", "ko": "한국어"}
"""The languages by code, and what their speakers call them."""

USUAL = "en"

_FOLDER = resources.files("service.gallery.texts_in")
_SCRIPTS = resources.files("service.web.static")
_SAID = re.compile(r'\bt\("([^"]+)"')
_TAG = re.compile(
    r"\s*([a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE | re.ASCII
)
"""A language of an Accept-Language, and how much it is wanted."""

_LONGEST_HEADER = 500


class Texts:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known = {**_read(USUAL), **_read(language)}

    def __call__(self, text: str, /, **values: object) -> str:
        """The text in this language, in English where it has none; `values` go into its braces."""
        said = self._known.get(text, text)
        one, several, others = said.partition("|")
        said = others if several and values.get("n") != 1 else one
        return said.format_map(values) if values else said

    @property
    def for_scripts(self) -> Mapping[str, str]:
        """What scripts say in this language, by the English that they ask with, or by its beginning."""
        asked = _in_scripts()
        beginnings = tuple(text for text in asked if text.endswith(" "))
        return {text: said for text, said in self._known.items() if text in asked or text.startswith(beginnings)}


def sentence(text: str) -> str:
    """The text itself, which a page will say in its reader's language: who translates finds it by this."""
    return text


def language_for(accepted: str, chosen: str | None = None) -> str:
    """The language that was chosen, or else the first of an Accept-Language (RFC 9110, 12.5.4) that we have."""
    if chosen is not None and chosen in LANGUAGES:
        return chosen
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:_LONGEST_HEADER].split(",")):
        found = _TAG.fullmatch(part)
        if found is None or (code := found[1].lower()) not in LANGUAGES:
            continue
        weight = float(found[2] or 1)
        if weight > 0:
            wanted.append((weight, -place, code))
    return max(wanted)[2] if wanted else USUAL


@cache
def _in_scripts() -> frozenset[str]:
    scripts = [file.read_text("utf-8") for file in _SCRIPTS.iterdir() if file.name.endswith(".js")]
    return frozenset(text for script in scripts for text in _SAID.findall(script))


@cache
def _read(language: str) -> Mapping[str, str]:
    said: Mapping[str, str] = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    return said

"""What the pages say, in four languages. English sentences stand in the pages and are what the others are looked
up by; what comes out of the data, as `status dead`, has its English in a file, too.

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
        """What scripts say in this language, by the English that they ask with."""
        return {text: self._known[text] for text in _in_scripts() if text in self._known}


def language_for(accepted: str, chosen: str | None = None) -> str:
    """The language that was chosen, or else the first of an Accept-Language (RFC 9110, 12.5.4) that we have."""
    if chosen is not None and chosen in LANGUAGES:
        return chosen
    wanted: list[tuple[float, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        code = tag.split("-")[0].strip().lower()
        if code in LANGUAGES:
            wanted.append((_weight(weight) - place / 1000, code))
    return max(wanted)[1] if wanted else USUAL


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


@cache
def _in_scripts() -> frozenset[str]:
    scripts = [file.read_text("utf-8") for file in _SCRIPTS.iterdir() if file.name.endswith(".js")]
    return frozenset(text for script in scripts for text in _SAID.findall(script))


@cache
def _read(language: str) -> Mapping[str, str]:
    said: Mapping[str, str] = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    return said

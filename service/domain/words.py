"""What a text is found by: words, and for scripts without spaces between words each character and each pair. Pure.

A trigram index finds no word of one or two characters, and most words of Chinese, Japanese and Korean are no longer. So
a run of such characters counts as all its single characters and all its pairs, whatever a dictionary would say.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

LONGEST_WORD = 64
"""Characters; of a longer word the beginning counts."""

MOST_INDEXED = 40_000
"""Characters of all texts of a task together: even of pairs of rare characters, an index takes that many (PostgreSQL:
1 MiB, https://www.postgresql.org/docs/current/textsearch-limitations.html)."""

MOST_PARTS = 32
"""Words, runs and symbols of a search."""

_MOST_PAIRS = 8
"""Of a run that is looked for, from all over it: the run itself is compared in the end."""

_EXACT = "\ue000"
"""Begins what stands for a whole value, such as a tag: no word has a character of private use."""

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\U0001b000-\U0001b16f"  # Hiragana, Katakana, Bopomofo
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_INDIC = "\u0900-\u0dff"  # its vowel signs are no letters to a regular expression, and belong to words
_SYMBOLS = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_PIECE = re.compile(f"(?P<run>[{_UNSPACED}]+)|(?P<word>(?:(?![{_UNSPACED}])(?:[^\\W_]|[{_INDIC}]))+)|[{_SYMBOLS}]")


def _without_accents() -> dict[int, str | None]:
    """Accents of Latin, Greek and Cyrillic letters; elsewhere marks make other letters."""
    letters = (*range(0xC0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x2000))
    apart = {code: unicodedata.normalize("NFD", chr(code)) for code in letters}
    plain: dict[int, str | None] = {code: text[0] for code, text in apart.items() if len(text) > 1}
    return plain | dict.fromkeys(range(0x300, 0x370))


_PLAIN = _without_accents()


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: all `terms`, a word that begins with each of `beginnings`, and each of `runs` as it stands.

    A run is of characters without spaces between words, folded; its terms find it and sometimes a little more.
    """

    terms: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        return not (self.terms or self.beginnings)


def fold(text: str) -> str:
    """A text as it is compared: one form for each character, without case, and without accents on letters."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)


def terms_of(*texts: str) -> set[str]:
    """All that texts are found by; the end of the longest of them is not where they are longer than an index takes."""
    found: set[str] = set()
    for folded in _indexed(texts):
        for piece, unspaced in _pieces(folded):
            if unspaced:
                found.update(piece)
                found.update(_pairs(piece))
            else:
                found.add(piece[:LONGEST_WORD])
    return found


def exact(kind: str, value: str) -> str:
    """The term of a whole value, to the letter, whatever it is made of."""
    return _EXACT + hashlib.sha256(f"{kind}\0{value}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def tag_terms(tags: Mapping[str, str]) -> set[str]:
    """What tags are found by: each name, and each name with its value."""
    return {exact("tag", told) for name, value in tags.items() for told in (name, f"{name}:{value}")}


def search_for(text: str) -> Search:
    """What somebody means who types this: every word of it; one that ends with `*` is the beginning of a word.

    Raises ValueError, which says what is wrong, when there are more words than one may look for.
    """
    terms: set[str] = set()
    beginnings: set[str] = set()
    runs: set[str] = set()
    parts = 0
    for word in text.split():
        pieces = list(_pieces(fold(word)))
        parts += len(pieces)
        if parts > MOST_PARTS:
            raise ValueError(f"takes at most {MOST_PARTS} words")
        for number, (piece, unspaced) in enumerate(pieces, start=1):
            if unspaced:
                terms.update(_some_pairs(piece) if len(piece) > 1 else piece)
                runs.update([piece] if len(piece) > 2 else [])
            elif word.endswith("*") and number == len(pieces):
                beginnings.add(piece[:LONGEST_WORD])
            else:
                terms.add(piece[:LONGEST_WORD])
    return Search(frozenset(terms), frozenset(beginnings), frozenset(runs))


def holds(search: Search, texts: Iterable[str]) -> bool:
    """Whether the runs that are looked for stand in one of these texts: their terms may be scattered.

    What is not indexed is not looked at either: to fold a text of somebody who means harm takes a second for each MB.
    """
    if not search.runs:
        return True
    folded = list(_indexed(texts))
    return all(any(run in text for text in folded) for run in search.runs)


def _indexed(texts: Iterable[str]) -> Iterator[str]:
    """The folded texts, shortest first, as far as they count."""
    left = MOST_INDEXED
    for text in sorted(texts, key=len):
        folded = fold(text[:left])[:left]
        left -= len(folded)
        yield folded


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Words, runs of characters without spaces, and symbols one by one; whether each is such a run."""
    return ((found[0], found.lastgroup == "run") for found in _PIECE.finditer(text))


def _some_pairs(run: str) -> Iterator[str]:
    """Few of a run's pairs, from its first to its last: runs that begin alike may go on differently."""
    last = len(run) - 2
    places = range(last + 1) if last < _MOST_PAIRS else (last * at // (_MOST_PAIRS - 1) for at in range(_MOST_PAIRS))
    return (run[at : at + 2] for at in places)


def _pairs(run: str) -> Iterator[str]:
    return (run[at : at + 2] for at in range(len(run) - 1))

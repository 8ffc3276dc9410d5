"""What texts are found by."""

from collections.abc import Iterator

from service.domain.words import LONGEST_WORD, MOST_INDEXED, holds, search_for, tag_terms, terms_of
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable

UNWANTED = set(" \t\n\r'\"*:&|!()<>\\\0")
"""What ends a word, or means something to a database's search, in the list of a row's terms."""


def seeds() -> Iterator[bytes]:
    for text in (
        "A foggy lighthouse",
        "日落时的灯塔",
        "고양이 ひらがな カタカナ",
        "café É naïve İstanbul",
        "ไทย မြန်မာ",
        "नमस्ते",
    ):
        yield text.encode()
    yield "ΆΣς ﬁ ½ \U0001f600→☂ it's o'clock *** a* b'c".encode()


def check(data: bytes) -> None:
    text = Pieces(data).rest().decode("utf-8", "replace").replace("\0", "\ufffd")
    terms = terms_of(text)
    tags = tag_terms({text[:200]: text[:500]})
    must_be_storable([*terms, *tags])
    for term in terms | tags:
        assert term
        assert len(term) <= LONGEST_WORD
        assert not set(term) & UNWANTED, repr(term)
    try:
        wanted = search_for(text)
    except ValueError as error:
        must_be_storable(str(error))
        return
    if len(text) * 4 < MOST_INDEXED:
        assert wanted.terms <= terms, "a text is not found by its own words"
        assert all(any(term.startswith(one) for term in terms) for one in wanted.beginnings)
        assert holds(wanted, [text])

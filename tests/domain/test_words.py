"""What texts are found by: words of any script, without case and accents, and tags to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.words import MOST_PARTS, exact, fold, holds, search_for, tag_terms, terms_of

TEXT = (
    "Café at 日落 over the SEA, 고양이가 앉아 있다; 美しい海! 🌅 16:9 Größe İstanbul ﬁre हिन्दी snake_case ЁЛКА ภาพถ่าย"
)


def finds(typed: str, text: str) -> bool:
    wanted = search_for(typed)
    terms = terms_of(text)
    begun = all(any(term.startswith(one) for term in terms) for one in wanted.beginnings)
    return not wanted.is_empty and wanted.terms <= terms and begun and holds(wanted, [text])


FOUND = (
    *("cafe", "CAFÉ", "日落", "海", "고양이", "고", "美しい", "美", "sea the", "16:9", "grosse", "GRÖSSE", "istanbul"),
    *("fire", "🌅", "हिन्दी", "snake", "case", "елка", "caf*", "IST* sea", "ภาพ", "日落 cafe 🌅", "over日落"),
)
NOT_FOUND = ("caf", "日海", "落日", "고이", "美い", "seas", "afe*", "16:10", "", "  ", "*", "—", "!?")


@pytest.mark.parametrize("typed", FOUND)
def test_a_text_is_found_by_each_of_its_words_in_any_script(typed: str) -> None:
    assert finds(typed, TEXT)


@pytest.mark.parametrize(
    "typed", ["caf", "日海", "落日", "고이", "美い", "seas", "afe*", "16:10", "", "  ", "*", "—", "!?"]
)
def test_and_by_nothing_else(typed: str) -> None:
    assert not finds(typed, TEXT)


def test_a_run_of_characters_is_found_only_where_it_stands_as_it_is() -> None:
    scattered = "美しさ、正しい"
    assert search_for("美しい").terms <= terms_of(scattered), "its pairs are there"
    assert not finds("美しい", scattered)


@given(st.text(max_size=60))
def test_any_text_is_found_by_any_word_of_it(text: str) -> None:
    for word in text.split()[:MOST_PARTS]:
        wanted = search_for(word.replace("*", " "))
        assert wanted.is_empty or finds(word.replace("*", " "), text)


@given(st.text(max_size=60))
def test_terms_can_be_told_apart_by_spaces_and_need_no_quoting(text: str) -> None:
    for term in terms_of(text):
        assert term
        assert not any(char.isspace() or char in "'\"\\\x00" or 0xE000 <= ord(char) <= 0xF8FF for char in term)
    assert all(not fold(term).isspace() for term in terms_of(text))


def test_a_tag_is_found_by_name_and_by_name_and_value_to_the_letter() -> None:
    terms = tag_terms({"Team": "Posters & Co"})
    assert terms == {exact("tag", "Team"), exact("tag", "Team:Posters & Co")}
    assert exact("tag", "team") not in terms
    assert not terms & terms_of("Team Posters & Co Team:Posters"), "words and whole values are never the same"

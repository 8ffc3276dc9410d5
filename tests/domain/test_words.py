"""What texts are found by: words of any script, without case and accents, and tags to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.words import MOST_INDEXED, MOST_PARTS, exact, holds, search_for, tag_terms, terms_of

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


@pytest.mark.parametrize("typed", NOT_FOUND)
def test_and_by_nothing_else(typed: str) -> None:
    assert not finds(typed, TEXT)


def test_a_run_of_characters_is_found_only_where_it_stands_as_it_is() -> None:
    scattered = "美しさ、正しい"
    assert search_for("美しい").terms <= terms_of(scattered), "its pairs are there"
    assert not finds("美しい", scattered)


def test_a_long_run_is_looked_for_by_few_terms_and_found_only_as_it_stands() -> None:
    run = "".join(chr(0x4E00 + number) for number in range(900))
    assert len(search_for(run).terms) < 10
    assert finds(run, f"a {run} b")
    assert not finds(run, run[:-1] + "海")
    assert not search_for(run).terms <= terms_of(run[:800]), "its end is looked for, too"


def test_more_words_than_one_may_look_for_are_refused_and_none_is_left_out() -> None:
    words = [f"word{number}" for number in range(MOST_PARTS)]
    assert search_for(" ".join(words)).terms == set(words)
    for typed in (" ".join([*words, "another"]), "-".join([*words, "another"]), "☀" * (MOST_PARTS + 1)):
        with pytest.raises(ValueError, match="at most 32 words"):
            search_for(typed)


def test_of_texts_that_are_too_long_together_the_end_of_the_longest_is_left_out() -> None:
    long = " ".join(f"a{number}" for number in range(MOST_INDEXED))
    for told in ((long, "short 海"), ("short 海", long)):
        assert {"a0", "a999", "short", "海"} <= terms_of(*told)
        assert len(" ".join(terms_of(*told))) <= MOST_INDEXED + len("a0 short 海")
    assert len(terms_of("\ufdfa" * MOST_INDEXED)) <= MOST_INDEXED, "that is one character which becomes eighteen"


def test_what_is_not_indexed_is_not_compared_either() -> None:
    """To fold a character of Arabic that becomes eighteen takes its time, and a text may have a million of them."""
    wanted = search_for("日本語日本")
    scattered = "日本語 本日 語日"
    assert wanted.terms <= terms_of(scattered)
    assert holds(wanted, [scattered, "a" * (MOST_INDEXED // 2) + "日本語日本"])
    assert not holds(wanted, [scattered, "a" * MOST_INDEXED + "日本語日本"])
    assert not holds(wanted, [scattered, "\ufdfa" * (MOST_INDEXED // 18) + "日本語日本"])


@given(st.text(max_size=8))
def test_any_text_is_found_by_any_word_of_it(text: str) -> None:
    for word in text.split():
        wanted = search_for(word.replace("*", " "))
        assert wanted.is_empty or finds(word.replace("*", " "), text)


@given(st.text(max_size=60))
def test_terms_can_be_told_apart_by_spaces_and_need_no_quoting(text: str) -> None:
    for term in terms_of(text):
        assert term
        assert not any(char.isspace() or char in "'\"\\\x00" or 0xE000 <= ord(char) <= 0xF8FF for char in term)


def test_a_tag_is_found_by_name_and_by_name_and_value_to_the_letter() -> None:
    terms = tag_terms({"Team": "Posters & Co"})
    assert terms == {exact("tag", "Team"), exact("tag", "Team:Posters & Co")}
    assert exact("tag", "team") not in terms
    assert not terms & terms_of("Team Posters & Co Team:Posters"), "words and whole values are never the same"


def test_a_short_run_is_looked_for_by_all_its_pairs_and_compared_only_where_they_may_be_scattered() -> None:
    pair, three = search_for("日落"), search_for("日落时")
    assert (pair.terms, pair.runs) == (frozenset({"日落"}), frozenset())
    assert (three.terms, three.runs) == (frozenset({"日落", "落时"}), frozenset({"日落时"}))
    nine, ten = "".join(map(chr, range(0x4E00, 0x4E09))), "".join(map(chr, range(0x4E00, 0x4E0A)))
    assert len(search_for(nine).terms) == 8
    assert len(search_for(ten).terms) == 8, "not all nine"


def test_the_term_of_a_whole_value_stays_what_it_is_because_databases_hold_it() -> None:
    assert exact("tag", "Team") == "\ue00058aedfb401479dce"
    assert len({exact("tag", "\ud800"), exact("tag", "\udfff"), exact("model", "\ud800")}) == 3

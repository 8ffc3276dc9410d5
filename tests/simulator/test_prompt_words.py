import pytest

from service.simulator.prompt_words import PromptWords, read_prompt_words


def test_an_ordinary_prompt_asks_for_nothing() -> None:
    assert read_prompt_words("a [red] fox, [failing] to cancel, fault:html") == PromptWords()


def test_reserved_words_are_found_wherever_they_stand() -> None:
    assert read_prompt_words("a fox [fail]") == PromptWords(failure="content_policy_violation")
    assert read_prompt_words("[fail:service_error] a fox") == PromptWords(failure="service_error")
    assert read_prompt_words("a [cancel] fox") == PromptWords(cancel=True)
    assert read_prompt_words("a fox[complete]") == PromptWords(complete=True)
    words = read_prompt_words("[fault:html] a fox [fault:wrong-type][fault:html]")
    assert words == PromptWords(faults=frozenset({"html", "wrong-type"}))


@pytest.mark.parametrize("prompt", ["[fail:boredom]", "[fault:explode]", "[fault]"])
def test_a_word_that_cannot_be_followed_is_refused_with_what_is_valid(prompt: str) -> None:
    assert "are" in str(read_prompt_words(prompt))
    assert isinstance(read_prompt_words(prompt), str)

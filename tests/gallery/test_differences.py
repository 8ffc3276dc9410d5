"""Which words of two prompts differ."""

import pytest

from service.gallery.differences import marked


def shown(parts: list[tuple[str, bool]]) -> str:
    return "".join(f"[{text}]" if differs else text for text, differs in parts)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("a red fox", "a red fox", ("a red fox", "a red fox")),
        ("a red fox", "a grey fox", ("a [red] fox", "a [grey] fox")),
        ("a fox", "a fox at night", ("a fox", "a fox[ at night]")),
        ("夕暮れの海", "夕暮れの山", ("夕暮れの[海]", "夕暮れの[山]")),
        ("노란 고양이", "노란 강아지", ("노란 [고양이]", "노란 [강아지]")),
        ("", "a fox", ("", "[a fox]")),
        ("", "", ("", "")),
    ],
)
def test_what_only_one_prompt_has_is_marked(first: str, second: str, told: tuple[str, str]) -> None:
    parts, others = marked(first, second)
    assert (shown(parts), shown(others)) == told


def test_nothing_of_a_prompt_is_lost() -> None:
    first, second = "a <b> & 'c'\n  two\tlines 🦊", "another  one\n"
    parts, others = marked(first, second)
    assert "".join(text for text, _ in parts) == first
    assert "".join(text for text, _ in others) == second


def test_prompts_that_are_too_long_to_compare_are_not_marked() -> None:
    parts, others = marked("a fox " * 2000, "a dog " * 2000)
    assert (parts, others) == ([("a fox " * 2000, False)], [("a dog " * 2000, False)])

"""How much of an image was looked at, by what its details say."""

from typing import Any

import pytest

from service.domain.details import Looked, details_version


@pytest.mark.parametrize("looked", Looked)
def test_details_say_how_far_an_image_was_looked_at(looked: Looked) -> None:
    assert details_version({"version": looked.value}) == looked.value


@pytest.mark.parametrize("version", [True, False, None, 1.0, "1", -1, 3, [1], {}])
def test_what_this_program_never_wrote_says_nothing(version: Any) -> None:
    told = details_version({"version": version})
    assert (told, type(told)) == (0, int)


def test_without_details_nothing_was_looked_at() -> None:
    assert details_version(None) == details_version({}) == 0

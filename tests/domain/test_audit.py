"""What the trail takes over from a request."""

import pytest

from service.domain.api_key import Scope
from service.domain.audit import COMMAND, command_of, request_id_of


@pytest.mark.parametrize(("header", "taken"), [("req-7/a", "req-7/a"), ("x" * 128, "x" * 128), ("7", "7")])
def test_an_id_of_a_request_is_taken_over(header: str, taken: str) -> None:
    assert request_id_of(header) == taken


@pytest.mark.parametrize("header", [None, "", "x" * 129, "a\tb", "né", "a\x00b"])
def test_what_is_none_is_left_out(header: str | None) -> None:
    assert request_id_of(header) is None


def test_a_command_may_everything_and_shows_who_gave_it() -> None:
    actor = command_of("root")
    assert (actor.id, actor.name, actor.scopes) == (COMMAND, "root", frozenset({Scope.ADMIN}))
    assert actor.shown == f"({COMMAND}: root)"

"""What the trail takes over from a request."""

import pytest

from service.domain.audit import request_id_of


@pytest.mark.parametrize(("header", "taken"), [("req-7/a", "req-7/a"), ("x" * 128, "x" * 128)])
def test_an_id_of_a_request_is_taken_over(header: str, taken: str) -> None:
    assert request_id_of(header) == taken


@pytest.mark.parametrize("header", [None, "", "x" * 129, "a\tb", "né", "a\x00b"])
def test_what_is_none_is_left_out(header: str | None) -> None:
    assert request_id_of(header) is None

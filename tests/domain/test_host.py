"""Host patterns: what `*` and `*.` mean, and how names are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.host import host_allowed, is_internal_name, normalised_host

PROVIDER = ("*.evolink.ai",)


@pytest.mark.parametrize("host", ["files.evolink.ai", "a.b.evolink.ai", "FILES.Evolink.AI", "files.evolink.ai."])
def test_a_wildcard_allows_subdomains_in_any_spelling(host: str) -> None:
    assert host_allowed(host, PROVIDER)


@pytest.mark.parametrize(
    "host", ["evolink.ai", "evilevolink.ai", "evolink.ai.evil.example", ".evolink.ai", "..evolink.ai", "ai", "", "."]
)
def test_a_wildcard_allows_neither_the_bare_name_nor_another_one(host: str) -> None:
    assert not host_allowed(host, PROVIDER)


def test_a_plain_pattern_allows_exactly_that_host() -> None:
    assert host_allowed("Evolink.AI.", ("evolink.ai",))
    assert host_allowed("evolink.ai", ("*.evolink.ai", "Evolink.ai."))
    assert not host_allowed("files.evolink.ai", ("evolink.ai",))


def test_a_star_allows_any_host_that_is_one() -> None:
    assert host_allowed("anything.example", ("*",))
    assert host_allowed("127.0.0.1", ("*",))
    assert host_allowed("2001:db8::1", ("*",))
    assert not host_allowed("", ("*",))
    assert not host_allowed("a" * 300, ("*",))


def test_no_pattern_allows_nothing() -> None:
    assert not host_allowed("files.evolink.ai", ())
    assert not host_allowed("files.evolink.ai", ("", "*.", "*.."))


def test_international_names_match_their_ascii_form_on_both_sides() -> None:
    assert host_allowed("bücher.example", ("xn--bcher-kva.example",))
    assert host_allowed("files.xn--bcher-kva.example", ("*.Bücher.example",))


def test_full_width_digits_and_dots_are_the_plain_ones() -> None:
    assert normalised_host("\uff11\uff12\uff17\u3002\uff10.0.1") == "127.0.0.1"
    assert normalised_host("files.evolink.ai\u3002") == "files.evolink.ai"


@given(st.text())
def test_any_text_is_normalised_once_and_for_all(text: str) -> None:
    once = normalised_host(text)
    assert normalised_host(once) == once
    assert once.isascii()


def test_a_name_may_be_as_long_as_names_can_be_and_no_longer() -> None:
    assert normalised_host("a" * 253) == "a" * 253
    assert normalised_host("a" * 254) == ""


@pytest.mark.parametrize("text", [".example", "files..example", "...", "files\u3002\u3002example"])
def test_what_cannot_be_a_name_is_empty(text: str) -> None:
    assert normalised_host(text) == ""


def test_nothing_but_dots_is_taken_off_a_name() -> None:
    assert normalised_host("FilesX..") == "filesx"


@pytest.mark.parametrize("name", ["localhost", "db", "x.localhost", "printer.local", "metadata.google.internal"])
def test_a_name_without_a_dot_or_of_a_domain_for_home_is_internal(name: str) -> None:
    assert is_internal_name(name)


@pytest.mark.parametrize("name", ["files.evolink.ai", "local.example", "internal.example.com"])
def test_any_other_name_is_not(name: str) -> None:
    assert not is_internal_name(name)

"""Links: identity, refusal, index."""

from service.domain.attempt import Failure
from service.domain.link import identity, link_host, place, refusal, with_fresh

A, B, C = (f"https://files.evolink.ai/{name}.png" for name in "abc")


def test_a_signature_does_not_change_what_a_link_is() -> None:
    assert identity(A + "?sig=1") == identity(A + "?sig=2") != identity(B)


def test_a_text_that_is_no_url_has_no_host_and_is_refused() -> None:
    for text in ("http://[", "not a url", "", "//", "https://"):
        assert link_host(text) is None
        assert refusal(text, ("*",)) is Failure.REFUSED_HOST


def test_only_https_links_to_allowed_hosts_may_be_fetched() -> None:
    assert refusal(A, ("*.evolink.ai",)) is None
    assert refusal(A.replace("https", "http"), ("*.evolink.ai",)) is Failure.REFUSED_ADDRESS
    assert refusal("https://evil.example/a.png", ("*.evolink.ai",)) is Failure.REFUSED_HOST


def test_known_links_keep_their_index_when_the_order_changes() -> None:
    placed = place([[A], [B]], [C, B + "?new", A])
    assert (placed.known, placed.new) == ({1: B + "?new", 0: A}, {2: C})


def test_the_same_link_twice_is_one_image() -> None:
    assert place([], [A, A + "?again"]).new == {0: A + "?again"}


def test_alternates_are_bounded_and_the_fresh_one_comes_first() -> None:
    urls: tuple[str, ...] = ()
    for n in range(9):
        urls = with_fresh(urls, f"https://files.evolink.ai/{n}.png")
    assert urls[0].endswith("/8.png")
    assert len(urls) == 4

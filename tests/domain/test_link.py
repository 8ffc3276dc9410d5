"""Links: identity, refusal, index."""

from service.domain.attempt import Failure
from service.domain.link import MAX_LINKS, identity, link_host, place, refusal, with_fresh

A, B, C, D = (f"https://files.evolink.ai/{name}.png" for name in "abcd")


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
    assert (placed.known, placed.new, placed.dropped) == ({1: B + "?new", 0: A}, {2: C}, 0)


def test_the_same_link_twice_is_one_image() -> None:
    assert place([], [A, A + "?again"]).new == {0: A + "?again"}


def test_alternates_are_bounded_and_the_fresh_one_comes_first() -> None:
    urls: tuple[str, ...] = ()
    for n in range(9):
        urls = with_fresh(urls, f"https://files.evolink.ai/{n}.png")
    assert urls[0].endswith("/8.png")
    assert len(urls) == 4


def test_the_host_belongs_to_what_a_link_is_whatever_its_spelling() -> None:
    assert identity(A) == identity("https://FILES.evolink.ai.:443/a.png") == "files.evolink.ai/a.png"
    assert identity(A) != identity("https://other.evolink.ai/a.png")
    assert identity("/a.png") == "/a.png"


def test_where_none_is_known_and_their_number_is_the_same_links_take_their_places() -> None:
    placed = place([[A], [B]], [C + "?1", D])
    assert (placed.known, placed.new, placed.dropped) == ({0: C + "?1", 1: D}, {}, 0)
    assert place([[A]], [C, C + "?again"]).dropped == 1


def test_only_places_that_may_be_taken_are() -> None:
    assert place([[A], [B]], [C], movable=[1]).known == {1: C}
    assert place([[A], [B]], [C, D], movable=[1]).new == {2: C, 3: D}


def test_links_beyond_the_most_are_left_out_and_counted() -> None:
    known = [[f"https://files.evolink.ai/{number}.png"] for number in range(MAX_LINKS)]
    full = place(known, [A, *known[0]])
    assert (full.known, full.new, full.dropped) == ({0: known[0][0]}, {}, 1)
    beyond = place([*known, [B]], [C])
    assert (beyond.new, beyond.dropped) == ({}, 1)
    nearly = place(known[:-1], [A, B, C])
    assert (nearly.new, nearly.dropped) == ({MAX_LINKS - 1: A}, 2)

"""Links as text: what is refused before anything is looked up, and that no second parser sees another host."""

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from service.domain.attempt import Failed, Failure
from service.outbound.target import MAX_LINK, Target, read_link

ANY = ("*",)
PROVIDER = ("*.evolink.ai",)


def _refused(link: str, hosts: tuple[str, ...] = ANY) -> Failure:
    outcome = read_link(link, allowed_hosts=hosts)
    assert isinstance(outcome, Failed), outcome
    assert "secret" not in outcome.detail
    return outcome.failure


def _read(link: str, hosts: tuple[str, ...] = ANY) -> Target:
    outcome = read_link(link, allowed_hosts=hosts)
    assert isinstance(outcome, Target), outcome
    return outcome


def test_a_link_is_taken_apart_and_put_together_again() -> None:
    target = _read("https://Files.Evolink.AI./a/b%20c.png?sig=x%2Fy&z=1#part", PROVIDER)
    assert (target.host, target.port, target.address) == ("files.evolink.ai", 443, None)
    assert target.url == "https://files.evolink.ai:443/a/b%20c.png?sig=x%2Fy&z=1"


def test_spaces_and_other_letters_are_percent_encoded_and_nothing_else_is_touched() -> None:
    assert _read("https://h.example/ä b%2f\\x?q=ü '").url == "https://h.example:443/%C3%A4%20b%2f%5Cx?q=%C3%BC%20'"
    assert _read("https://h.example").url == "https://h.example:443/"


@pytest.mark.parametrize("link", ["https://evil.example/secret.png", "https://evolink.ai/", "https://evilevolink.ai/"])
def test_a_host_that_is_not_on_the_list_is_refused(link: str) -> None:
    assert _refused(link, PROVIDER) is Failure.REFUSED_HOST


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "HTTP", "ws", "gopher"])
def test_only_https_is_read(scheme: str) -> None:
    assert _refused(f"{scheme}://files.evolink.ai/a", PROVIDER) is Failure.REFUSED_ADDRESS


def test_the_scheme_may_be_written_in_capitals() -> None:
    assert _read("HTTPS://files.evolink.ai/a").host == "files.evolink.ai"


@pytest.mark.parametrize("userinfo", ["user@", "user:secret@", "@", ":@", "secret%40x@"])
def test_credentials_in_a_link_are_refused(userinfo: str) -> None:
    assert _refused(f"https://{userinfo}files.evolink.ai/a", PROVIDER) is Failure.REFUSED_ADDRESS


def test_an_allowed_name_in_front_of_an_at_sign_is_not_the_host() -> None:
    assert _refused("https://files.evolink.ai@evil.example/", PROVIDER) is Failure.REFUSED_HOST
    assert _refused("https://files.evolink.ai\\@evil.example/", PROVIDER) is Failure.REFUSED_HOST
    assert _refused("https://evil.example\\@files.evolink.ai/", PROVIDER) is Failure.REFUSED_HOST, (
        "for some it is the host"
    )


@pytest.mark.parametrize(
    "link",
    [
        "",
        "secret",
        "https:",
        "https://",
        "https:///a",
        "//files.evolink.ai/a",
        "/a",
        "https://[::1/",
        "https://::1/",
        "https://[files.evolink.ai]/",
        "https://[v1.x]/",
        "https://files.evolink.ai:99999/",
        "https://files.evolink.ai:x/",
        "https://files.evolink.ai\r\nHost: x/",
        "https://files.evo\tlink.ai/",
        "https://files evolink.ai/",
        "https://files%2eevolink.ai/",
        "https://-files.evolink.ai/",
        "https://files..evolink.ai/",
        f"https://{'a' * 64}.evolink.ai/",
        "https://files.evolink.ai/\x00",
        "https://files.evolink.ai/\ud800",
        f"https://files.evolink.ai/{'a' * 9000}",
    ],
)
def test_a_malformed_link_is_refused(link: str) -> None:
    assert _refused(link) in (Failure.REFUSED_HOST, Failure.REFUSED_ADDRESS)


@pytest.mark.parametrize(
    "host",
    [
        "0x7f000001",
        "0x7f.0.0.1",
        "2130706433",
        "017700000001",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.0x0",
        "256.1.1.1",
        "1.2.3.4.5",
        "0x",
        "127.0.0.0x1",
        "\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13\uff13",
        "0x08080808",
        "134744072",
    ],
)
def test_an_address_in_an_unusual_notation_is_refused_even_if_public(host: str) -> None:
    assert _refused(f"https://{host}/") is Failure.REFUSED_ADDRESS


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("\uff11\uff12\uff17.\uff10.\uff10.\uff11", "127.0.0.1"),
        ("①②⑦\u3002⓪\u3002⓪\u3002①", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1"),
    ],
)
def test_a_literal_address_is_known_as_one_for_the_policy_to_judge(host: str, address: str) -> None:
    target = _read(f"https://{host}:8443/")
    assert target.address is not None
    assert target.address == ip_address(address)
    assert target.port == 8443


@given(st.text() | st.text().map(lambda text: f"https://{text}") | st.from_regex(r"https://[^/]{1,40}/.{0,20}"))
@example("https://a@b:443@[::1]:80/")
@example("https://[::1]a:1/")
@example("https://a:\u0661/")
def test_the_client_library_sees_the_host_and_port_that_were_judged(link: str) -> None:
    target = read_link(link, allowed_hosts=ANY)
    if isinstance(target, Target):
        url = URL(target.url, encoded=True)
        assert (url.raw_host, url.port, url.user) == (target.host, target.port, None)
        assert url.raw_path_qs == f"{target.path}{'?' if target.query else ''}{target.query}"
        assert url.raw_path_qs.isascii()
        assert " " not in url.raw_path_qs


def test_a_zone_stays_with_its_literal_address() -> None:
    target = _read("https://[fe80::1%25eth0]:8443/")
    assert isinstance(target.address, IPv6Address)
    assert target.address.scope_id is not None


def test_a_link_may_be_as_long_as_links_can_be_and_no_longer() -> None:
    link = "https://h.example/"
    assert _read(link + "a" * (MAX_LINK - len(link))).path == "/" + "a" * (MAX_LINK - len(link))
    assert _refused(link + "a" * (MAX_LINK - len(link) + 1)) is Failure.REFUSED_HOST


def test_only_plain_spaces_around_a_link_are_passed_over() -> None:
    assert _read("  https://h.example/aX ").path == "/aX"
    outcome = read_link("\u2003https://h.example/", allowed_hosts=ANY)
    assert outcome == Failed(Failure.REFUSED_HOST, "the link is malformed")

"""Which URLs may stand in a request, and that no refusal tells what is secret in one."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.address_policy import FORBIDDEN
from service.submission.urls import OTHER_TYPES, CallbackRule
from tests.submission.asking import IMAGE, a_request, refused

PUBLIC = CallbackRule()


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks",
        "https://shop.example",
        "HTTPS://SHOP.EXAMPLE:8443/hooks?order=7&x=%2F#top",
        "https://münchen.example/",
        "https://shop.example./hooks",
        "https://1.1.1.1/hooks",
        "https://[2606:4700::1111]:8443/hooks",
        "https://[::ffff:1.1.1.1]/hooks",
        "https://local.example/",
        "https://internal.example/",
        "https://a_b.shop.example/",
        "https://shop.example/" + "x" * (2048 - 21),
    ],
)
def test_a_callback_url_that_the_provider_can_call_is_taken(url: str) -> None:
    assert PUBLIC.problem(url) is None
    assert a_request(callback_url=url).callback_url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/", "begins with https://"),
        ("//shop.example/", "begins with https://"),
        ("shop.example/", "begins with https://"),
        ("https:shop.example", "begins with https://"),
        ("", "begins with https://"),
        (7, "must be a string"),
        (["https://shop.example/"], "must be a string"),
        ("https://", "malformed"),
        ("https:///hooks", "malformed"),
        ("https://shop..example/", "malformed"),
        ("https://shop.example:port/", "malformed"),
        ("https://shop.example:99999/", "malformed"),
        ("https://shop\\.example/", "malformed"),
        ("https://shop.example/\ud800", "malformed"),
        ("https://shop.example/a b", "without spaces"),
        ("https://shop\n.example/", "without spaces"),
        (" https://shop.example/", "begins with https://"),
        ("https://shop.example/ ", "without spaces"),
        ("https://shop.example/\x00", "malformed"),
        ("https://me:pw@shop.example/", "carries credentials"),
        ("https://@shop.example/", "carries credentials"),
        ("https://shop.example/" + "x" * (2049 - 21), "must not exceed 2048 characters; these are 2049"),
        ("https://localhost/", "localhost is an internal name"),
        ("https://LOCALHOST.:8443/", "localhost is an internal name"),
        ("https://pod/", "pod is an internal name"),
        ("https://x.localhost/", "internal name"),
        ("https://printer.local/", "internal name"),
        ("https://metadata.google.internal./", "internal name"),
        ("https://ｄｂ.internal/", "db.internal is an internal name"),  # noqa: RUF001
        ("https://127.0.0.1/", "a loopback address"),
        ("https://10.0.0.1:8443/", "a private address"),
        ("https://169.254.169.254/", "a link-local address"),
        ("https://１２７.0.0.1/", "a loopback address"),  # noqa: RUF001
        ("https://127.0.0.1./", "a loopback address"),
        ("https://[::1]/", "the loopback address"),
        ("https://[::]/", "the unspecified address"),
        ("https://[fd00::1]/", "a unique local address"),
        ("https://[fe80::1%25eth0]/", "one link of one machine"),
        ("https://[::ffff:10.0.0.1]/", "another form of 10.0.0.1"),
        ("https://[64:ff9b::a9fe:a9fe]/", "another form of 169.254.169.254"),
        ("https://127.1/", "unusual notation"),
        ("https://2130706433/", "unusual notation"),
        ("https://0x7f000001/", "unusual notation"),
        ("https://0x7f.0.0.1/", "unusual notation"),
        ("https://0177.0.0.1/", "unusual notation"),
    ],
)
def test_a_callback_url_that_it_cannot_or_must_not_call_is_refused(url: object, why: str) -> None:
    wrong = refused(callback_url=url)
    assert wrong.param == "callback_url"
    assert why in wrong.message
    assert "pw" not in wrong.message


@given(st.sampled_from(list(FORBIDDEN)), st.data())
def test_no_address_of_a_forbidden_block_is_taken(block: str, data: st.DataObject) -> None:
    network = ip_network(block)
    address = network[data.draw(st.integers(0, network.num_addresses - 1))]
    host = f"[{address}]" if address.version == 6 else str(address)
    assert "must lead to a public address" in (PUBLIC.problem(f"https://{host}/") or "")


class TestTrustedNetworks:
    """Where callbacks may lead inside, by leave of the operator."""

    RULE = CallbackRule(trusted_networks=(ip_network("10.0.0.0/8"),))

    @pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8443", "shop.internal", "shop", "shop.example", "1.1.1.1"])
    def test_their_addresses_and_internal_names_are_taken(self, host: str) -> None:
        assert self.RULE.problem(f"https://{host}/hooks") is None

    @pytest.mark.parametrize("host", ["192.168.0.1", "127.0.0.1", "[::ffff:10.0.0.1]", "10.1", "me@10.1.2.3"])
    def test_and_nothing_else(self, host: str) -> None:
        assert self.RULE.problem(f"https://{host}/hooks") is not None

    def test_https_stays_the_only_scheme(self) -> None:
        assert self.RULE.problem("http://10.1.2.3/") is not None


@pytest.mark.parametrize(
    "url",
    [
        IMAGE,
        "http://pictures.example/a.JPEG?size=large#top",
        "https://pictures.example:8443/a.b/c.webp",
        "https://pictures.example",
        "https://pictures.example/png",
        "https://pictures.example/gif",
        "https://pictures.example/image.php?file=a.gif",
        "https://pictures.example/v1.5/pictures/7",
        "https://pictures.example/a.gif/download",
        "https://pictures.example/" + "x" * (8192 - 25),
    ],
)
def test_an_image_url_that_may_lead_to_an_image_is_taken(url: str) -> None:
    assert a_request(image_urls=[url]).image_urls == (url,)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://h.example/a.png", "file:///a.png", "data:image/png;base64,AAAA", "a.png", "/a.png", "https://", ""),
        *("https://me:pw@h.example/a.png", "https://pw@h.example/a.png", "https://h.example/a b.png", "https://h..example/"),
        *("https://h.example/a.gif", "https://h.example/a.GIF?x=.png", "https://h.example/a%2Egif", "https://h.example/a.jpg.pdf"),
        *("https://h.example/" + "x" * (8193 - 18), "https://h.example/\ud800.png", "https://h.example/a.svg#a.png"),
        *(7, None, True, {}, ["https://h.example/a.png"]),
    ],
)  # fmt: skip
def test_any_other_is_refused_without_repeating_it(url: object) -> None:
    wrong = refused(image_urls=[IMAGE, url])
    assert wrong.param == "image_urls"
    assert "at index 1" in wrong.message
    assert "pw" not in wrong.message


@pytest.mark.parametrize("ending", sorted(OTHER_TYPES))
def test_other_types_of_files_are_neither_images_nor_masks(ending: str) -> None:
    url = f"https://h.example/a.{ending.upper()}"
    assert f"not .{ending}" in refused(image_urls=[url]).message
    assert f"not .{ending}" in refused(image_urls=[IMAGE], mask_url=url).message


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp"])
def test_a_mask_is_a_png(ending: str) -> None:
    url = f"https://h.example/mask.{ending}"
    assert a_request(image_urls=[url]).image_urls == (url,)
    assert refused(image_urls=[IMAGE], mask_url=url).param == "mask_url"
    assert a_request(image_urls=[IMAGE], mask_url="https://h.example/mask").mask_url == "https://h.example/mask"

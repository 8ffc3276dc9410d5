"""Signed links to our own images: only what we signed, only for as long as it was meant."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from service.intake.asset_link import AssetLinkSigner, new_link_id
from service.intake.callback_token import CallbackToken, TokenSigner

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIGNER = AssetLinkSigner(["one"])


def test_a_link_carries_its_id() -> None:
    link_id = new_link_id()
    assert SIGNER.verify(SIGNER.sign(link_id, None), now=NOW) == link_id


def test_ids_do_not_repeat() -> None:
    made = {new_link_id() for _ in range(1000)}
    assert (len(made), {len(one) for one in made}) == (1000, {12})


def test_a_link_ends_with_its_time_and_one_without_does_not() -> None:
    text = SIGNER.sign("x", NOW + timedelta(minutes=1))
    assert SIGNER.verify(text, now=NOW + timedelta(seconds=59)) == "x"
    assert SIGNER.verify(text, now=NOW + timedelta(seconds=60)) is None
    assert SIGNER.verify(SIGNER.sign("x", None), now=NOW + timedelta(days=36500)) == "x"


def test_secrets_rotate_the_first_signs_and_all_verify() -> None:
    old, new = AssetLinkSigner(["old"]), AssetLinkSigner(["new", "old"])
    assert new.verify(old.sign("x", None), now=NOW) == "x"
    assert old.verify(new.sign("x", None), now=NOW) is None
    assert AssetLinkSigner(["new"]).verify(old.sign("x", None), now=NOW) is None


def test_a_callback_token_is_no_link_and_a_link_no_callback_token() -> None:
    token = TokenSigner(["one"]).sign(CallbackToken("x", "evolink", NOW))
    assert SIGNER.verify(token, now=NOW) is None
    assert TokenSigner(["one"]).verify(SIGNER.sign("x", None), source="evolink", now=NOW) is None


def test_what_is_signed_with_the_secret_for_another_purpose_is_no_link() -> None:
    assert SIGNER.verify(URLSafeSerializer("one").dumps(["x", 0]), now=NOW) is None


@given(st.text(max_size=200))
def test_no_text_is_a_link_by_chance_and_none_raises(text: str) -> None:
    assert SIGNER.verify(text, now=NOW) is None


@given(st.integers(0, 10_000), st.integers(1, 127))
def test_a_changed_character_makes_it_no_link(position: int, change: int) -> None:
    text = SIGNER.sign("abcdef", NOW + timedelta(days=1))
    at = position % len(text)
    forged = text[:at] + chr((ord(text[at]) ^ change) & 0x7F) + text[at + 1 :]
    assert forged == text or SIGNER.verify(forged, now=NOW) is None


def test_an_overlong_text_is_refused() -> None:
    assert SIGNER.verify("a" * 10_000, now=NOW) is None


def test_a_link_that_was_handed_out_stays_good() -> None:
    text = "WyJsaW5rLTEiLDBd.pn0i5lVEcWaYXnc-6N3wG0bedzObgOT8uBAJe-l20vo"
    assert AssetLinkSigner(["one"]).verify(text, now=NOW) == "link-1"

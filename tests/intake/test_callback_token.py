"""Signed callback URLs."""

import hashlib
import hmac
import zlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import CallbackToken, TokenSigner, callback_url, new_token_id
from service.intake.signing import Signer

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FULL = CallbackToken(
    id="abc",
    source="evolink",
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    task_id="task-unified-1",
    ref="order 7 / 日落",
    tags={"team": "a", "空": "値"},
)

HANDED_OUT = (
    ".eJyrVspUslJKTEpW0lEqBrJSy_JzMvOygbwSJStDc3NzM2MzCwMDHaUKKNfEwATEzQaqLUksztYtzctMy0xN0TUEaikCCuYXpaQWKZgr6Cs8m770xYS9"
    "QOF0JatqpZLUxFyQTUD-85W7gKynDUuUamsB9ZQnHA.Xms5auna27JF6GXHFb7ADiYmAN5dUM0zCqoVYqJHmWg"
)
"""FULL, as it was signed with the secret `one` by the first version."""


def verify(text: str, *signing_secrets: str, now: datetime = NOW, source: str = "evolink") -> CallbackToken | None:
    return TokenSigner(signing_secrets or ("one",)).verify(text, source=source, now=now)


def test_a_token_carries_what_it_was_minted_with() -> None:
    assert verify(TokenSigner(["one"]).sign(FULL)) == FULL
    bare = CallbackToken(id="x", source="evolink", issued_at=NOW)
    assert verify(TokenSigner(["one"]).sign(bare)) == bare


def test_a_token_ends_with_its_time() -> None:
    text = TokenSigner(["one"]).sign(FULL)
    assert verify(text, now=NOW + timedelta(minutes=59)) is not None
    assert verify(text, now=NOW + timedelta(hours=1)) is None


def test_a_token_that_was_good_a_moment_ago_ends_with_its_time_all_the_same() -> None:
    signer = TokenSigner(["one"])
    text = signer.sign(FULL)
    end = FULL.expires_at
    assert end is not None
    times = (NOW, NOW, end - timedelta(seconds=1), end, end + timedelta(days=1), NOW)
    found = [signer.verify(text, source="evolink", now=now) for now in times]
    assert found == [FULL, FULL, FULL, None, None, FULL]
    assert signer.verify(text, source="another", now=NOW) is None


def test_a_token_is_good_for_its_own_source_only() -> None:
    assert verify(TokenSigner(["one"]).sign(FULL), source="other") is None


def test_secrets_rotate_the_first_signs_and_all_verify() -> None:
    old = TokenSigner(["old"]).sign(FULL)
    new = TokenSigner(["new", "old"]).sign(FULL)
    assert verify(old, "new", "old") == FULL
    assert verify(new, "new") == FULL
    assert verify(new, "old") is None
    assert verify(old, "new") is None


@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.dictionaries(st.text(), one), max_leaves=20))
def test_whatever_itsdangerous_signs_is_read_as_it_reads_it(value: object) -> None:
    """It packs what is long."""
    signer = Signer(["one", "two"], salt="a salt", longest=100_000)
    text = URLSafeSerializer(
        ["two", "one"], salt="a salt", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    ).dumps(value)
    assert signer.sign(value) == text
    assert signer.read(text) == value


@pytest.mark.parametrize("payload", [b"", b".", b"e30=", b".AAAA", b"!", b"W1tbWw", b"." + b"A" * 3])
def test_what_was_signed_with_our_secret_and_is_no_value_is_none(payload: bytes) -> None:
    key = hmac.digest(b"one", b"a salt", "sha256")
    signature = urlsafe_b64encode(hmac.digest(key, payload, "sha256")).rstrip(b"=")
    text = (payload + b"." + signature).decode()
    assert Signer(["one"], salt="a salt", longest=1000).read(text) in (None, {})


def test_what_unpacks_to_far_more_than_it_is_is_not_unpacked() -> None:
    bomb = b"." + urlsafe_b64encode(zlib.compress(b'"' + b"a" * 10_000_000 + b'"')).rstrip(b"=")
    key = hmac.digest(b"one", b"a salt", "sha256")
    signature = urlsafe_b64encode(hmac.digest(key, bomb, "sha256")).rstrip(b"=")
    assert Signer(["one"], salt="a salt", longest=100_000).read((bomb + b"." + signature).decode()) is None


@given(st.text(max_size=200))
def test_no_text_is_a_token_by_chance_and_none_raises(text: str) -> None:
    assert verify(text) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_makes_it_no_token(position: int, change: int) -> None:
    text = TokenSigner(["one"]).sign(FULL)
    at = position % len(text)
    forged = text[:at] + chr((ord(text[at]) ^ change) & 0x7F) + text[at + 1 :]
    assert forged == text or verify(forged) is None


def test_an_overlong_text_is_refused_before_it_is_looked_at() -> None:
    assert verify("a" * 5000) is None


@pytest.mark.parametrize("bad", [[], [""], ["good", ""]])
def test_a_missing_secret_is_an_error_not_an_open_door(bad: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^a signing secret is needed"):
        TokenSigner(bad)


def test_the_url_has_the_token_as_its_last_segment() -> None:
    url = callback_url("https://d.example", FULL, TokenSigner(["one"]))
    assert url.startswith("https://d.example/callbacks/evolink/")
    assert verify(url.rpartition("/")[2]) == FULL


def test_a_url_that_was_handed_out_stays_good() -> None:
    assert verify(HANDED_OUT) == FULL


def test_a_token_is_no_link_to_an_image_and_a_link_no_token() -> None:
    assert AssetLinkSigner(["one"]).verify(TokenSigner(["one"]).sign(FULL), now=NOW) is None
    for expires_at in (None, NOW + timedelta(hours=1)):
        assert verify(AssetLinkSigner(["one"]).sign("abc", expires_at)) is None


def test_a_signature_has_one_spelling() -> None:
    body, _, signature = HANDED_OUT.rpartition(".")
    others = [f"{body}.{signature[:-1]}{last}" for last in "hij"]
    assert signature.endswith("g"), "whose last two bits say nothing"
    assert [verify(other) for other in (*others, HANDED_OUT + "=", f"{body}.{signature}\n")] == [None] * 5


def test_a_text_is_read_up_to_its_longest() -> None:
    text = Signer(["one"], salt="x", longest=100).sign("abc")
    assert Signer(["one"], salt="x", longest=len(text)).read(text) == "abc"
    assert Signer(["one"], salt="x", longest=len(text) - 1).read(text) is None


def test_ids_of_tokens_have_72_bits_and_do_not_repeat() -> None:
    made = {new_token_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(one) for one in made} == {12}

"""Signed callback URLs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.callback_token import CallbackToken, TokenSigner, callback_url

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


def test_a_token_is_good_for_its_own_source_only() -> None:
    assert verify(TokenSigner(["one"]).sign(FULL), source="other") is None


def test_secrets_rotate_the_first_signs_and_all_verify() -> None:
    old = TokenSigner(["old"]).sign(FULL)
    new = TokenSigner(["new", "old"]).sign(FULL)
    assert verify(old, "new", "old") == FULL
    assert verify(new, "new") == FULL
    assert verify(new, "old") is None
    assert verify(old, "new") is None


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
    with pytest.raises(ValueError, match="secret"):
        TokenSigner(bad)


def test_the_url_has_the_token_as_its_last_segment() -> None:
    url = callback_url("https://d.example", FULL, TokenSigner(["one"]))
    assert url.startswith("https://d.example/callbacks/evolink/")
    assert verify(url.rpartition("/")[2]) == FULL

"""Sessions as text: what we signed opens as its key does; all else, and what was changed, opens nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.domain.api_key import ApiKey, Denial, Scope, digest
from service.domain.session import LIFETIME
from service.keys.known import Denied, KnownKeys
from service.keys.sessions import Sessions
from tests.support.guard import api_key

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FIRST, SECOND = "a signing secret of 32 characters", "another signing secret of 32 chars"
KEY = api_key("me", "sesame", Scope.ADMIN)


def sessions(*keys: ApiKey, signing: tuple[str, ...] = (FIRST,)) -> Sessions:
    return Sessions(signing, known=KnownKeys(keys, catalog=Catalog(Path("never-opened.db"))))


def why(found: ApiKey | Denied) -> Denial:
    assert isinstance(found, Denied)
    return found.why


def test_a_session_opens_as_its_key_until_it_ends() -> None:
    one = sessions(KEY)
    text, session = one.begin(KEY, now=NOW)
    assert one.key_of(text, now=NOW) == KEY
    assert session.expires_at == NOW + LIFETIME
    assert why(one.key_of(text, now=NOW + LIFETIME)) is Denial.EXPIRED


def test_each_login_is_another_session() -> None:
    one = sessions(KEY)
    texts = {one.begin(KEY, now=NOW)[0] for _ in range(10)}
    assert len(texts) == 10
    assert len({one.write_token(text) for text in texts}) == 10


def test_the_text_tells_nothing_of_the_secret() -> None:
    text, _ = sessions(KEY).begin(KEY, now=NOW)
    assert not any(secret in text for secret in ("sesame", KEY.sha256))


def test_what_was_changed_or_signed_by_somebody_else_is_no_session() -> None:
    one = sessions(KEY)
    text, _ = one.begin(KEY, now=NOW)
    other, _ = sessions(KEY, signing=(SECOND,)).begin(KEY, now=NOW)
    changed = [text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :] for place in range(len(text))]
    for wrong in (other, "", ".", text[:-1], f"{text}=", f"{text}.", one.write_token(text), *changed):
        assert why(one.key_of(wrong, now=NOW)) is Denial.UNKNOWN, wrong


def test_a_new_signing_secret_ends_no_session_while_the_old_one_still_verifies() -> None:
    text, _ = sessions(KEY).begin(KEY, now=NOW)
    token = sessions(KEY).write_token(text)
    both, new = sessions(KEY, signing=(SECOND, FIRST)), sessions(KEY, signing=(SECOND,))
    assert both.key_of(text, now=NOW) == KEY
    assert both.may_write(text, token), "a page that was open when the secrets changed goes on"
    assert why(new.key_of(text, now=NOW)) is Denial.UNKNOWN


def test_it_ends_when_the_key_is_revoked_runs_out_or_gets_another_secret() -> None:
    text, _ = sessions(KEY).begin(KEY, now=NOW)
    revoked, ended = replace(KEY, revoked_at=NOW), replace(KEY, expires_at=NOW + timedelta(hours=1))
    other = replace(KEY, sha256=digest("simsalabim"))
    assert isinstance(sessions(revoked).key_of(text, now=NOW), Denied)
    assert isinstance(sessions(ended).key_of(text, now=NOW + timedelta(hours=2)), Denied)
    assert why(sessions(other).key_of(text, now=NOW)) is Denial.EXPIRED


def test_while_keys_cannot_be_looked_up_a_session_of_an_unknown_one_is_not_called_wrong() -> None:
    text, _ = sessions(KEY).begin(KEY, now=NOW)
    assert why(sessions().key_of(text, now=NOW)) is Denial.UNCERTAIN


@pytest.mark.parametrize("token", ["", ".", "wrong", "é", "a.b", "x" * 2000])
def test_only_the_token_of_a_session_writes_for_it(token: str) -> None:
    one = sessions(KEY)
    text, _ = one.begin(KEY, now=NOW)
    other, _ = one.begin(KEY, now=NOW)
    assert one.may_write(text, one.write_token(text))
    assert not one.may_write(text, token)
    assert not one.may_write(text, one.write_token(other))
    assert not one.may_write(text, text.rpartition(".")[2])

"""A session lives as long as the key it was begun with, and a week at most."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.domain.api_key import ApiKey, Scope, digest
from service.domain.session import LIFETIME, begun

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = ApiKey("key_1", "shop", digest("sesame"), frozenset({Scope.READ}))


def test_it_opens_until_it_ends_and_not_a_moment_longer() -> None:
    session = begun(KEY, NOW)
    assert session.opens(KEY, NOW + LIFETIME - timedelta(microseconds=1))
    assert not session.opens(KEY, NOW + LIFETIME)


def test_it_ends_with_a_key_that_ends_sooner_and_outlives_none() -> None:
    ends = NOW + timedelta(hours=1)
    assert begun(replace(KEY, expires_at=ends), NOW).expires_at == ends
    assert begun(replace(KEY, expires_at=NOW + 2 * LIFETIME), NOW).expires_at == NOW + LIFETIME


def test_it_opens_as_no_other_key_nor_as_another_secret_of_the_same() -> None:
    session = begun(KEY, NOW)
    assert not session.opens(replace(KEY, id="key_2"), NOW)
    assert not session.opens(replace(KEY, sha256=digest("simsalabim")), NOW)
    assert session.opens(replace(KEY, name="renamed", scopes=frozenset({Scope.ADMIN})), NOW)


def test_a_session_remembers_sixteen_digits_of_its_keys_hash_as_cookies_out_there_do() -> None:
    assert begun(KEY, NOW).key_print == digest("sesame")[:16]

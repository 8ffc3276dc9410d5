"""What keys may do, what they may be called, and when they open something."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.api_key import (
    FROM_SETTING,
    LONGEST_NAME,
    PREFIX,
    SECRET_LENGTH,
    ApiKey,
    Denial,
    Scope,
    covers,
    digest,
    is_key_name,
    is_made_here,
    setting_id,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = ApiKey("key_1", "shop", digest("sesame"), frozenset({Scope.WRITE}))


@pytest.mark.parametrize(
    ("held", "may"),
    [
        (set(), ""),
        ({Scope.READ}, "read"),
        ({Scope.WRITE}, "read write"),
        ({Scope.ADMIN}, "read write admin"),
        ({Scope.READ, Scope.WRITE}, "read write"),
    ],
)
def test_a_scope_includes_the_lesser_ones(held: set[Scope], may: str) -> None:
    assert [scope for scope in Scope if covers(held, scope)] == may.split()
    assert [scope for scope in Scope if replace(KEY, scopes=frozenset(held)).may(scope)] == may.split()


def test_a_key_opens_until_it_is_revoked_or_ends_and_not_at_that_moment() -> None:
    assert KEY.denial(NOW) is None
    ending = replace(KEY, expires_at=NOW)
    assert ending.denial(NOW - timedelta(microseconds=1)) is None
    assert ending.denial(NOW) is Denial.EXPIRED
    assert replace(ending, revoked_at=NOW).denial(NOW) is Denial.REVOKED


def test_hashes_stay_what_they_are_because_databases_hold_them() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert setting_id("abc") == "setting_ba7816bf8f01"
    assert digest("\ud800") != digest("\udfff")
    assert setting_id("\ud800") != setting_id("\udfff")
    assert replace(KEY, id=setting_id("abc")).from_setting
    assert not KEY.from_setting
    assert FROM_SETTING == "setting_"


def test_only_a_secret_of_the_form_that_is_made_here_counts_as_one() -> None:
    assert is_made_here(PREFIX + "a" * SECRET_LENGTH)
    for text in ("", "a" * SECRET_LENGTH, PREFIX + "a" * (SECRET_LENGTH - 1), PREFIX + "-" * SECRET_LENGTH):
        assert not is_made_here(text)


@pytest.mark.parametrize("name", ["a", "shop", "日落 (2)", "x" * LONGEST_NAME])
def test_a_name_is_short_and_printable(name: str) -> None:
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "\0", "(command)", "x" * (LONGEST_NAME + 1)])
def test_what_is_no_name(name: str) -> None:
    assert not is_key_name(name)

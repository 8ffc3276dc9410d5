"""Making a key and ending one. The secret leaves here once, for who asked for it; only its hash is kept."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.catalog.catalog import Transaction
from service.catalog.keys import KeptKey
from service.domain.api_key import (
    LONGEST_NAME,
    PREFIX,
    SECRET_ALPHABET,
    SECRET_LENGTH,
    ApiKey,
    Scope,
    covers,
    digest,
    is_key_name,
)
from service.domain.audit import COMMAND, Action, Actor
from service.domain.moment import rfc3339
from service.errors import Conflict, Forbidden, Invalid, NotFound

MOST_LIVING = 500
"""Keys that open something at the same time: every request is compared with all of them."""

LONGEST_LIFE = 10 * 365 * 86400
OVERLAP = 86400
"""Seconds that a key works on after another one has taken its place, unless something else is asked for."""


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as somebody wants it; `expires_in` and `overlap` in seconds.

    `replaces` is the id of a living key whose name the new one takes, and its scopes where none are named; that one
    ends after `overlap`.
    """

    name: str | None = None
    scopes: frozenset[Scope] = frozenset()
    expires_in: int | None = None
    note: str | None = None
    replaces: str | None = None
    overlap: int = OVERLAP


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made, with its secret; this is the only time that anybody sees it."""

    kept: KeptKey
    secret: str


def new_secret() -> str:
    return PREFIX + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(SECRET_LENGTH))


def create(tx: Transaction, *, wish: KeyWish, secret: str, by: Actor, setting: Collection[ApiKey]) -> NewKey:
    """Keep a new key of this `secret`; `setting` are the keys that the operator has set.

    Raises Invalid, Forbidden for scopes that the actor lacks, NotFound and Conflict.
    """
    living = tx.keys.living()
    if len(living) >= MOST_LIVING:
        raise Conflict("too_many_keys", f"{MOST_LIVING} keys are alive: revoke some first")
    name, scopes = _judged(wish, by, [*setting, *(one.key for one in living)])
    if Scope.ADMIN not in scopes:
        _leave_an_admin([*setting, *(one.key for one in living)], without=wish.replaces, by=by)
    for earlier in living:
        if earlier.key.id == wish.replaces:  # one of the setting ends when it is taken out there
            _end_after(tx, earlier, timedelta(seconds=wish.overlap))
    key = ApiKey(
        id=f"key_{secrets.token_hex(8)}",
        name=name,
        sha256=digest(secret),
        scopes=scopes,
        expires_at=_whole(tx.now) + timedelta(seconds=wish.expires_in) if wish.expires_in is not None else None,
    )
    kept = KeptKey(key, _whole(tx.now), by.shown, note=wish.note, replaces=wish.replaces)
    if not tx.keys.add(kept):
        raise Conflict("key_name_taken", f"another key has taken the name {name!r} just now")
    tx.audit.note(
        Action.KEY_CREATED,
        key.id,
        name=key.name,
        scopes=" ".join(sorted(key.scopes)),
        expires_at=rfc3339(key.expires_at),
        replaces=wish.replaces,
    )
    return NewKey(kept, secret)


def revoke(tx: Transaction, *, key_id: str, by: Actor, setting: Collection[ApiKey]) -> KeptKey:
    """End a key now; one that was revoked already stays as it is.

    Raises NotFound, and Conflict for one of the setting, or the last that may make others.
    """
    if any(one.id == key_id for one in setting):
        raise Conflict(
            "key_of_setting", "this key is set by DARKROOM_API_KEYS, or was generated: take it out there, and restart"
        )
    living = tx.keys.living()  # holds them, so that two who revoke each other's key do not both succeed
    kept = tx.keys.get(key_id)
    if kept is None:
        raise NotFound("key_not_found", "no such key")
    if kept.key.revoked_at is not None:
        return kept
    _leave_an_admin([*setting, *(one.key for one in living)], without=key_id, by=by)
    ended = replace(kept, key=replace(kept.key, revoked_at=tx.now))
    tx.keys.save_end(ended)
    tx.audit.note(Action.KEY_REVOKED, key_id, name=kept.key.name)
    return ended


def _leave_an_admin(living: Collection[ApiKey], *, without: str | None, by: Actor) -> None:
    """Keep a caller from ending the last key that may make others. A command may: it needs none to make another one."""
    admins = {one.id for one in living if one.may(Scope.ADMIN)}
    if by.id != COMMAND and admins == {without}:
        raise Conflict(
            "last_admin_key", "no other key has the scope admin: make one first, or run `darkroom key revoke`"
        )


def _judged(wish: KeyWish, by: Actor, living: Collection[ApiKey]) -> tuple[str, frozenset[Scope]]:
    """The name and the scopes that the new key gets, if it may."""
    earlier = _replaced(wish, living)
    name = wish.name if wish.name is not None or earlier is None else earlier.name
    scopes = wish.scopes or (earlier.scopes if earlier is not None else frozenset())
    if name is None or not (is_key_name(name) or (earlier is not None and name == earlier.name)):
        raise Invalid(
            "invalid_key_name",
            f"name takes 1 to {LONGEST_NAME} printable characters, without spaces around them or ( before them",
        )
    if not scopes:
        raise Invalid("invalid_scopes", f"scopes takes at least one of {', '.join(Scope)}")
    if beyond := [scope for scope in sorted(scopes) if not covers(by.scopes, scope)]:
        raise Forbidden("beyond_own_scopes", f"nobody gives a key more than their own has: not {', '.join(beyond)}")
    if earlier is not None and name != earlier.name:
        raise Invalid("invalid_key_name", f"a key that replaces {earlier.id} is called as that one: {earlier.name!r}")
    if earlier is None and (alike := next((one for one in living if one.name == name), None)) is not None:
        raise Conflict(
            "key_name_taken", f"the key {alike.id} is called {name!r}: take another name, or replace that key"
        )
    return name, scopes


def _replaced(wish: KeyWish, living: Collection[ApiKey]) -> ApiKey | None:
    if wish.replaces is None:
        return None
    earlier = next((one for one in living if one.id == wish.replaces), None)
    if earlier is None:
        raise NotFound("key_not_found", f"no living key has the id {wish.replaces!r}")
    return earlier


def _end_after(tx: Transaction, kept: KeptKey, overlap: timedelta) -> None:
    ends = _whole(tx.now) + overlap
    if kept.key.expires_at is not None:
        ends = min(ends, kept.key.expires_at)
    tx.keys.save_end(replace(kept, key=replace(kept.key, expires_at=ends)))


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)

"""Making keys and ending them: what may be, what may not, and what the trail says of it."""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from service.catalog.catalog import Catalog
from service.catalog.keys import KeptKey
from service.domain.api_key import ApiKey, Scope, digest, is_made_here
from service.domain.audit import Actor, command_of
from service.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from service.keys.lives import OVERLAP, KeyWish, NewKey, create, new_secret, revoke
from tests.support.guard import api_key

ROOT = command_of("root")
READ, WRITE, ADMIN = (frozenset({scope}) for scope in Scope)
BOSS = Actor("key_boss", "boss", ADMIN)
OPERATORS = api_key("operator", "sesame", Scope.ADMIN)


async def make(
    catalog: Catalog, name: str | None = "shop", *, by: Actor = ROOT, setting: Sequence[ApiKey] = (), **more: object
) -> NewKey:
    wish = KeyWish(name, **{"scopes": READ, **more})  # type: ignore[arg-type]
    return await catalog.write(partial(create, wish=wish, secret=new_secret(), by=by, setting=setting), by=by)


async def end(catalog: Catalog, key_id: str, *, setting: Sequence[ApiKey] = (), by: Actor = ROOT) -> KeptKey:
    return await catalog.write(partial(revoke, key_id=key_id, by=by, setting=setting), by=by)


async def trail(catalog: Catalog) -> list[tuple[str, str | None]]:
    page = await catalog.read(lambda tx: tx.audit.page(filters={}, after=None, limit=100))
    return [(entry.action, entry.subject) for _, entry in page.items]


def test_a_secret_has_a_prefix_that_scanners_know_and_is_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"darkroom_[0-9A-Za-z]{43}", secret) and is_made_here(secret) for secret in secrets)


async def test_of_a_new_key_only_the_hash_is_kept(catalog: Catalog) -> None:
    made = await make(catalog, expires_in=60, note="for the shop")
    kept = await catalog.read(lambda tx: tx.keys.get(made.kept.key.id))
    assert kept == made.kept
    assert kept is not None
    assert kept.key.sha256 == digest(made.secret)
    assert kept.key.expires_at == kept.created_at + timedelta(seconds=60)
    assert (kept.created_by, kept.note) == ("(command: root)", "for the shop")
    assert await trail(catalog) == [("key.created", made.kept.key.id)]


@pytest.mark.parametrize("name", ["", " shop", "shop ", "(command line)", "a\nb", "x" * 101, None])
async def test_a_name_that_is_none_is_refused(catalog: Catalog, name: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        await make(catalog, name)
    assert refused.value.code == "invalid_key_name"


async def test_two_living_keys_have_different_names_also_those_of_the_setting(catalog: Catalog) -> None:
    await make(catalog)
    for name in ("shop", "operator"):
        with pytest.raises(Conflict) as refused:
            await make(catalog, name, setting=[OPERATORS])
        assert refused.value.code == "key_name_taken"
    assert len(await trail(catalog)) == 1


async def test_of_two_that_take_a_name_at_once_one_gets_it(catalog: Catalog) -> None:
    made = await asyncio.gather(*(make(catalog) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["Conflict", "Conflict", "Conflict", "NewKey"]


async def test_the_name_of_one_that_has_ended_is_free(catalog: Catalog) -> None:
    first = await make(catalog)
    await end(catalog, first.kept.key.id)
    assert (await make(catalog)).kept.key.name == "shop"


async def test_a_rotation_keeps_the_name_and_the_scopes_and_ends_the_old_key_after_a_while(catalog: Catalog) -> None:
    old = await make(catalog, scopes=WRITE)
    new = await make(catalog, None, scopes=frozenset(), replaces=old.kept.key.id)
    assert (new.kept.key.name, new.kept.key.scopes, new.kept.replaces) == ("shop", WRITE, old.kept.key.id)
    kept = await catalog.read(lambda tx: tx.keys.get(old.kept.key.id))
    assert kept is not None
    assert kept.key.expires_at == new.kept.created_at + timedelta(seconds=OVERLAP)
    with pytest.raises(Conflict):
        await make(catalog)
    with pytest.raises(Conflict):  # the name has gone on already
        await make(catalog, None, replaces=old.kept.key.id)
    at_once = await make(catalog, None, replaces=new.kept.key.id, overlap=0)
    living = await catalog.write(lambda tx: {one.key.id for one in tx.keys.living()})
    assert living == {old.kept.key.id, at_once.kept.key.id}


async def test_an_old_key_that_would_end_sooner_still_does(catalog: Catalog) -> None:
    old = await make(catalog, expires_in=60)
    await make(catalog, None, replaces=old.kept.key.id)
    kept = await catalog.read(lambda tx: tx.keys.get(old.kept.key.id))
    assert kept is not None
    assert kept.key.expires_at == old.kept.key.expires_at


async def test_a_key_of_the_setting_may_hand_its_name_on_and_goes_when_it_is_taken_out(catalog: Catalog) -> None:
    new = await make(catalog, None, scopes=frozenset(), replaces=OPERATORS.id, setting=[OPERATORS])
    assert (new.kept.key.name, new.kept.key.scopes) == ("operator", ADMIN)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"name": "other", "replaces": OPERATORS.id}, Invalid),
        ({"replaces": "key_none"}, NotFound),
        ({"scopes": frozenset()}, Invalid),
    ],
)
async def test_a_wish_that_cannot_be_granted_is_refused(
    catalog: Catalog, more: dict[str, object], error: type[Refused]
) -> None:
    with pytest.raises(error):
        await make(catalog, setting=[OPERATORS], **more)  # type: ignore[arg-type]
    assert await trail(catalog) == []


async def test_nobody_gives_a_key_more_than_their_own_has(catalog: Catalog) -> None:
    writer = Actor("key_w", "writer", WRITE)
    with pytest.raises(Forbidden) as refused:
        await make(catalog, by=writer, scopes=READ | ADMIN)
    assert "admin" in str(refused.value)
    assert (await make(catalog, by=writer, scopes=READ | WRITE)).kept.key.scopes == READ | WRITE


async def test_a_revoked_key_stays_revoked_and_is_told_of_once(catalog: Catalog) -> None:
    made = await make(catalog)
    first = await end(catalog, made.kept.key.id)
    assert first.key.revoked_at is not None
    assert (await end(catalog, made.kept.key.id)).key.revoked_at == first.key.revoked_at
    assert [action for action, _ in await trail(catalog)] == ["key.revoked", "key.created"]
    with pytest.raises(NotFound):
        await end(catalog, "key_none")


async def test_a_key_of_the_setting_is_not_revoked_here(catalog: Catalog) -> None:
    with pytest.raises(Conflict, match="DARKROOM_API_KEYS") as refused:
        await end(catalog, OPERATORS.id, setting=[OPERATORS])
    assert refused.value.code == "key_of_setting"


async def test_the_last_key_that_makes_others_stays_unless_the_setting_has_one(catalog: Catalog) -> None:
    reader = api_key("reader", "sesame", Scope.READ)
    made = (await make(catalog, scopes=ADMIN)).kept.key
    lesser = KeyWish(scopes=READ, replaces=made.id, overlap=0)
    for work in (
        partial(revoke, key_id=made.id, by=BOSS, setting=[reader]),
        partial(create, wish=lesser, secret=new_secret(), by=BOSS, setting=[reader]),
    ):
        with pytest.raises(Conflict) as refused:
            await catalog.write(work, by=BOSS)
        assert refused.value.code == "last_admin_key"
    assert (await make(catalog, "other", by=BOSS)).kept.key.scopes == READ
    assert (await end(catalog, made.id, by=BOSS, setting=[OPERATORS])).key.revoked_at is not None


async def test_a_command_ends_the_last_one_too_as_it_can_make_another(catalog: Catalog) -> None:
    made = await make(catalog, scopes=ADMIN)
    assert (await end(catalog, made.kept.key.id)).key.revoked_at is not None


async def test_of_two_admins_who_revoke_each_other_one_stays(catalog: Catalog) -> None:
    ids = [(await make(catalog, name, scopes=ADMIN)).kept.key.id for name in ("one", "other")]
    ended = await asyncio.gather(*(end(catalog, key_id, by=BOSS) for key_id in ids), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "KeptKey"]

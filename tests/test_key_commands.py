"""`darkroom key`: what it does and prints, that it runs beside a service, and what the trail says of commands."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.catalog.catalog import Catalog
from service.domain.api_key import digest, is_made_here
from service.domain.audit import AuditEntry
from tests.support.app import SECRET, client_for, serving
from tests.support.commands import Run, commands_in
from tests.support.migrated import put_migrated

KEYS = json.dumps([{"name": "operator", "key": "sesame", "scopes": ["admin"]}])


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    put_migrated(tmp_path / "data" / "darkroom.db")
    with commands_in(
        tmp_path, CALLBACKS__SECRETS=json.dumps([SECRET]), API_KEYS=KEYS, PUBLIC_URL="https://darkroom.example.com"
    ) as commands:
        yield commands


def made(run: Run, *arguments: str) -> dict[str, Any]:
    result = run("key", "create", *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def listed(run: Run) -> Any:
    return json.loads(run("key", "list", "--json").stdout)


def trail(folder: Path) -> list[AuditEntry]:
    catalog = Catalog(folder / "data" / "darkroom.db")
    catalog.open()
    page = asyncio.run(catalog.read(lambda tx: tx.audit.page(filters={}, after=None, limit=100)))
    catalog.close()
    return [entry for _, entry in page.items]


def test_a_new_key_is_all_that_is_printed_and_it_is_kept_by_its_hash(run: Run) -> None:
    result = run("key", "create", "shop", "--scope", "read", "--scope", "write", "--note", "of the shop")
    assert result.exit_code == 0, result.output
    [secret] = result.stdout.splitlines()
    assert is_made_here(secret)
    [one] = listed(run)["items"]
    assert one["id"] in result.stderr
    assert (one["name"], one["scopes"], one["note"]) == ("shop", ["read", "write"], "of the shop")
    assert secret not in run("key", "list").output + run("key", "list", "--json").output
    assert digest(secret) not in run("key", "list", "--json").output


def test_the_list_tells_of_the_lives_of_keys_and_of_those_of_the_setting(run: Run) -> None:
    shop, press = made(run, "shop", "--scope", "read", "--expires-in", "60"), made(run, "press", "--scope", "admin")
    assert run("key", "revoke", press["id"]).stdout == f"{press['id']} (press) is revoked\n"
    lines = run("key", "list").stdout.splitlines()
    assert lines[0].startswith(f"{press['id']}  press  admin, revoked ")
    assert lines[1] == f"{shop['id']}  shop  read, ends {shop['expires_at']}"
    assert lines[2].endswith("operator  admin, of the setting")


def test_a_key_takes_the_place_of_another_one(run: Run) -> None:
    old = made(run, "shop", "--scope", "write")
    new = made(run, "--replaces", old["id"], "--overlap", "0")
    assert (new["name"], new["scopes"], new["replaces"]) == ("shop", ["write"], old["id"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create"], 2, "--scope"),
        (["create", "shop"], 2, "--scope"),
        (["create", "shop", "--scope", "root"], 2, "--scope"),
        (["create", "shop", "--scope", "read", "--expires-in", "0"], 2, "--expires-in"),
        (["create", "operator", "--scope", "read"], 1, "operator"),
        (["create", "(me)", "--scope", "read"], 1, "name"),
        (["create", "--replaces", "key_none"], 1, "key_none"),
        (["create", "\udcff", "--scope", "read", "--json"], 0, ""),
        (["revoke", "key_none"], 1, "no such key"),
        (["revoke"], 2, "ID"),
    ],
)
def test_wrong_usage_ends_with_2_and_what_cannot_be_done_with_1(
    run: Run, arguments: list[str], code: int, words: str
) -> None:
    result = run("key", *arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert words in result.stderr


def test_a_key_of_the_setting_is_not_revoked_and_the_last_admin_is(run: Run) -> None:
    [setting] = listed(run)["setting"]
    refused = run("key", "revoke", setting["id"])
    assert (refused.exit_code, "DARKROOM_API_KEYS" in refused.stderr) == (1, True)
    boss = made(run, "boss", "--scope", "admin")
    readers = json.dumps([{"name": "r", "key": "reads", "scopes": ["read"]}])
    assert run("key", "revoke", boss["id"], API_KEYS=readers).exit_code == 0


def test_commands_leave_their_user_in_the_trail(run: Run, tmp_path: Path) -> None:
    key = made(run, "shop", "--scope", "read")
    run("key", "revoke", key["id"])
    url = json.loads(run("callback-url", "--json").stdout)
    run("revoke", url["id"])
    run("register", "task-a", "--prompt", "a lighthouse")
    run("retry", "task-a")
    run("replay", "--all")
    found = trail(tmp_path)
    assert [entry.action for entry in reversed(found)] == [
        "key.created",
        "key.revoked",
        "callback_url.minted",
        "callback_url.revoked",
        "task.told",
        "callbacks.replayed",
    ]
    assert {entry.actor_id for entry in found} == {"command"}
    assert all(entry.actor_name for entry in found)
    assert not any("lighthouse" in str(entry) or key["key"] in str(entry) for entry in found)


def test_a_running_service_hears_of_what_a_command_did(run: Run, tmp_path: Path) -> None:
    async def used() -> list[int]:
        async with serving(tmp_path) as house:
            key = await asyncio.to_thread(partial(made, run, "shop", "--scope", "read"))
            statuses = []
            async with client_for(house.app, key=key["key"]) as client:
                await house.parts.keys.refresh()
                statuses.append((await client.get("/v1/tasks")).status_code)
                await asyncio.to_thread(run, "key", "revoke", key["id"])
                await house.parts.keys.refresh()
                statuses.append((await client.get("/v1/tasks")).status_code)
            return statuses

    assert asyncio.run(used()) == [200, 401]

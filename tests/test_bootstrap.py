"""The composition root: what is opened, what is made, and what is refused."""

import asyncio
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import Schema, open_catalog, open_components
from service.errors import CatalogUnavailable, DarkroomError, SettingsError, StorageUnavailable
from service.settings import Settings, load_settings
from tests.support.app import House, serving, settings_for
from tests.support.deliveries import TASK, task_object


def bare(folder: Path, **overrides: Any) -> Settings:
    """Settings with nothing decided but where everything is kept."""
    return load_settings(env_file=None, data_dir=folder / "data", **overrides)


def revision(path: Path, number: str | None) -> None:
    """Put the database at another revision, as an older or newer version would have left it."""
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM alembic_version")
    if number is not None:
        connection.execute("INSERT INTO alembic_version VALUES (?)", (number,))
    connection.commit()
    connection.close()


def test_missing_secrets_are_made_once_for_their_owner_only_and_kept(tmp_path: Path) -> None:
    with open_components(bare(tmp_path)) as parts:
        [key] = parts.api_keys
        token = parts.link_signer.sign("x", None)
    for name in ("api-key", "callback-secret"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    assert (tmp_path / "data" / "api-key").read_text().strip() not in repr(key)
    with open_components(bare(tmp_path)) as parts:
        assert parts.api_keys[0].digest == key.digest
        assert parts.link_signer.sign("x", None) == token


def test_configured_secrets_are_used_and_none_is_made(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        assert [key.name for key in parts.api_keys] == ["read", "write", "admin"]
    assert not (tmp_path / "data" / "api-key").exists()
    assert not (tmp_path / "data" / "callback-secret").exists()


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({}, "DARKROOM_CALLBACKS__SECRETS"),
        ({"callbacks": {"secrets": ["s" * 40]}}, "DARKROOM_API_KEYS"),
    ],
)
def test_a_process_with_some_of_the_roles_makes_no_secrets(
    tmp_path: Path, given: dict[str, Any], variable: str
) -> None:
    with pytest.raises(SettingsError, match=variable), open_components(bare(tmp_path, roles="api", **given)):
        pass


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"roles": "receiver", "server": {"metrics_port": 0}}, "DARKROOM_CALLBACKS__SECRETS"),
        ({"roles": "archiver"}, "DARKROOM_API_KEYS"),  # its metrics are behind a key
    ],
)
def test_a_process_needs_the_secrets_that_it_uses(tmp_path: Path, given: dict[str, Any], variable: str) -> None:
    with pytest.raises(SettingsError, match=variable), open_components(bare(tmp_path, **given)):
        pass


@pytest.mark.parametrize("role", ["archiver", "reconciler"])
def test_a_process_that_serves_nobody_needs_no_secrets_and_makes_none(tmp_path: Path, role: str) -> None:
    with open_components(bare(tmp_path, roles=role, server={"metrics_port": 0})) as parts:
        assert parts.api_keys == ()
    assert not {"api-key", "callback-secret"} & {path.name for path in (tmp_path / "data").iterdir()}


def test_a_second_server_on_the_same_database_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)):
        with pytest.raises(SettingsError, match="DARKROOM_DATA_DIR"), open_components(settings_for(tmp_path)):
            pass
        with open_catalog(settings_for(tmp_path)) as beside:
            assert beside.missing_revision() is None
    with open_components(settings_for(tmp_path)):
        pass


async def test_what_is_open_is_closed_in_the_end(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        await parts.catalog.write(lambda _tx: None)
    with pytest.raises(CatalogUnavailable):
        await parts.catalog.read(lambda _tx: None)


def test_what_a_crash_left_in_staging_is_removed(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        staging = parts.store.staging
    (staging / "half.part").write_bytes(b"half an image")
    with open_components(settings_for(tmp_path)):
        assert list(staging.iterdir()) == []


@pytest.mark.parametrize("where", ["data_dir", "database_url", "storage"])
def test_a_place_that_cannot_be_made_is_told_without_a_traceback(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    given: dict[str, Any] = {
        "data_dir": place,
        "database_url": f"sqlite:///{place}/x.db",
        "storage": {"url": f"file://{place}"},
    }
    settings = settings_for(tmp_path, **{where: given[where]})
    with pytest.raises((SettingsError, StorageUnavailable)) as raised, open_components(settings):
        pass
    assert str(tmp_path / "file") in str(raised.value)


def test_a_command_with_a_database_in_an_impossible_place_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = settings_for(tmp_path, database_url=f"sqlite:///{tmp_path}/file/below/x.db")
    with pytest.raises(DarkroomError), open_catalog(settings):
        pass


def test_a_new_database_is_made_and_an_old_one_waits_for_migrate_or_a_start(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with open_catalog(settings) as made:
        assert made.missing_revision() is None
    revision(settings.database_path, None)
    with pytest.raises(SettingsError, match="darkroom migrate"), open_catalog(settings):
        pass
    with open_catalog(settings, schema=Schema.AS_IT_IS) as untouched:
        assert untouched.missing_revision() is not None


@pytest.mark.parametrize(
    "schema",
    [
        Schema.REQUIRED,
        Schema.UPGRADED,
    ],
)
def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, schema: Schema) -> None:
    settings = settings_for(tmp_path)
    with open_catalog(settings):
        pass
    revision(settings.database_path, "9999")
    with pytest.raises(DarkroomError), open_catalog(settings, schema=schema):
        pass


async def test_claims_of_a_dead_server_are_free_at_the_next_start_and_were_no_attempt(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.complete()
        assert len(await house.parts.catalog.write(lambda tx: tx.work.claim_assets(9))) == 1
    async with serving(tmp_path) as house:
        [claimed] = await house.parts.catalog.write(lambda tx: tx.work.claim_assets(9))
        assert claimed.task_id == TASK
        assert (await house.json(f"/v1/assets/{TASK}.0"))["attempts"] == 0


async def attempted(house: House) -> dict[str, Any]:
    """The asset, as soon as an attempt at it has counted."""
    async with asyncio.timeout(20):
        while True:
            asset: dict[str, Any] = await house.json(f"/v1/assets/{TASK}.0")
            if asset["attempts"] or asset["status"] == "dead":
                return asset
            await asyncio.sleep(0.02)


async def test_all_parts_run_together_and_a_callback_sets_them_going(tmp_path: Path) -> None:
    local = {"allowed_hosts": ["localhost"], "trusted_networks": ["127.0.0.0/8", "::1/128"]}
    async with serving(tmp_path, roles="receiver,archiver,reconciler,api", download=local) as house:
        await house.call_back(task_object(results=["https://localhost:1/x.png"]))
        asset = await attempted(house)
        assert (asset["status"], asset["attempts"]) == ("pending", 1)
        assert "localhost" in asset["detail"]
        root = house.parts.settings.storage_root
        async with asyncio.timeout(20):
            while not (written := list(root.rglob("task.json"))):
                await asyncio.sleep(0.02)
        assert json.loads(written[0].read_bytes())["task"]["id"] == TASK
        assert (await house.admin.delete(f"/v1/assets/{TASK}.0")).status_code == 204
    async with serving(tmp_path) as house:
        assert (await house.json(f"/v1/assets/{TASK}.0"))["status"] == "deleted"

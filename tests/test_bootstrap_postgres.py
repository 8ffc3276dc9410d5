"""The service on PostgreSQL: it waits for `migrate`, shares the database with others, and makes no secrets."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from service.bootstrap import Schema, open_catalog, open_components
from service.bootstrap.upkeep import open_to_rebuild
from service.doctor import examine
from service.errors import SettingsError
from service.settings import Settings
from service.storage.filesystem import FilesystemStore
from tests.support.app import serving, settings_for
from tests.support.commands import Run
from tests.support.deliveries import TASK, task_object, token
from tests.support.postgres import PostgresDatabases, own_server, run_sql


@pytest.fixture
def database(postgres: PostgresDatabases) -> Iterator[Callable[..., str]]:
    """Makes databases, and removes them in the end."""
    yield postgres.new
    postgres.drop_made()


@pytest.fixture
def command(run: Run) -> Callable[..., Result]:
    """Runs a command on a database."""
    return lambda url, *arguments: run(*arguments, DATABASE_URL=url)


async def test_it_is_not_ready_and_names_what_is_missing_until_migrate_has_run(
    tmp_path: Path, database: Callable[..., str]
) -> None:
    url = database(migrated=False)
    async with serving(tmp_path, database_url=url) as house:
        path = f"/callbacks/evolink/{house.parts.signer.sign(token())}"
        assert "lacks revision 0010" in (await house.anyone.get("/readyz")).text
        assert (await house.anyone.post(path, json=task_object())).status_code == 503
        await asyncio.to_thread(upgrade, house.parts.settings)
        await house.parts.readiness.probe()
        assert (await house.anyone.get("/readyz")).status_code == 200
        await house.parts.revoked.refresh()
        assert (await house.anyone.post(path, json=task_object())).status_code == 202


def upgrade(settings: Settings) -> None:
    with open_catalog(settings, schema=Schema.AS_IT_IS) as catalog:
        catalog.upgrade()


def test_migrate_brings_it_to_this_version(command: Callable[..., Result], database: Callable[..., str]) -> None:
    url = database(migrated=False)
    assert command(url, "migrate").output == "the database is now at revision 0010\n"
    assert command(url, "migrate").output == "the database is current\n"


async def test_a_database_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    with own_server() as server:
        url = PostgresDatabases(server.url).new()
        async with serving(tmp_path, database_url=url) as house:
            path = await house.mint()
        await asyncio.to_thread(server.stop)
        async with serving(tmp_path, database_url=url) as house:
            assert (await house.anyone.get("/readyz")).status_code == 503
            assert (await house.anyone.post(path, json=task_object())).status_code == 503
            await asyncio.to_thread(server.start)
            await house.parts.readiness.probe()
            await house.parts.revoked.refresh()
            assert (await house.anyone.post(path, json=task_object())).status_code == 202


async def test_what_one_takes_in_the_other_archives_and_shows(tmp_path: Path, database: Callable[..., str]) -> None:
    url, store = database(), {"url": f"file://{tmp_path}/archive", "min_free_bytes": 0}
    FilesystemStore(tmp_path / "archive").open()
    async with (
        serving(tmp_path / "one", database_url=url, storage=store) as one,
        serving(tmp_path / "other", database_url=url, storage=store) as other,
    ):
        await one.complete()
        await other.archive()
        assert (await one.json(f"/v1/tasks/{TASK}"))["assets"][0]["status"] == "archived"


async def test_a_start_leaves_the_claims_of_others_alone(tmp_path: Path, database: Callable[..., str]) -> None:
    url = database()
    async with serving(tmp_path / "one", database_url=url) as one:
        await one.complete()
        assert len(await one.parts.catalog.write(lambda tx: tx.work.claim_assets(5))) == 1
        async with serving(tmp_path / "other", database_url=url) as other:
            assert await other.parts.catalog.write(lambda tx: tx.work.claim_assets(5)) == []


async def test_who_neither_archives_nor_serves_the_archive_needs_the_database_only(
    tmp_path: Path, database: Callable[..., str]
) -> None:
    options = {"endpoint": "http://127.0.0.1:1", "allow_http": "true"}
    nowhere = {"url": "s3://no-such-bucket/archive", "options": options, "min_free_bytes": 1 << 60}
    (tmp_path / "file").write_text("no folder can be made below")
    async with serving(
        tmp_path / "file", database_url=database(), roles="receiver,reconciler", storage=nowhere
    ) as house:
        assert (await house.anyone.get("/readyz")).status_code == 200
        path = f"/callbacks/evolink/{house.parts.signer.sign(token())}"
        assert (await house.anyone.post(path, json=task_object())).status_code == 202
        told = await examine(house.parts.settings)
    assert [one.message for one in told if one.check in ("storage", "data directory")] == ["these roles need none"]


@pytest.mark.parametrize("duty", ["sweep", "bodies"])
async def test_of_several_that_serve_one_has_each_duty(tmp_path: Path, database: Callable[..., str], duty: str) -> None:
    url, key = database(), {"api_key": "a-key", "api_url": "http://127.0.0.1:1"}
    async with (
        serving(tmp_path / "one", database_url=url, evolink=key) as one,
        serving(tmp_path / "other", database_url=url, evolink=key),
    ):
        async with asyncio.timeout(10):
            while await one.parts.catalog.write(lambda tx: tx.duties.take(duty, "somebody else")):
                await one.parts.catalog.write(lambda tx: tx.duties.give_back(duty, "somebody else"))
                await asyncio.sleep(0.02)


async def test_rebuild_sees_who_serves(tmp_path: Path, database: Callable[..., str]) -> None:
    url = database()
    async with serving(tmp_path, database_url=url) as house:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(house.parts.catalog.servers):
                await asyncio.sleep(0.02)
        FilesystemStore(tmp_path / "data" / "archive").open()
        with pytest.raises(SettingsError, match="stop them"), open_to_rebuild(house.parts.settings):
            pass


def test_commands_wait_for_migrate(tmp_path: Path, database: Callable[..., str]) -> None:
    settings = settings_for(tmp_path, database_url=database(migrated=False))
    for schema in (Schema.REQUIRED, Schema.UPGRADED):
        with pytest.raises(SettingsError, match="darkroom migrate"), open_catalog(settings, schema=schema):
            pass


@pytest.mark.parametrize(
    ("given", "variable"),
    [({"callbacks": {}}, "DARKROOM_CALLBACKS__SECRETS"), ({"api_keys": []}, "DARKROOM_API_KEYS")],
)
def test_no_secret_is_made(tmp_path: Path, database: Callable[..., str], given: dict[str, Any], variable: str) -> None:
    settings = settings_for(tmp_path, database_url=database(), roles="receiver,archiver,reconciler,api", **given)
    with pytest.raises(SettingsError, match=variable), open_components(settings):
        pass


@pytest.mark.parametrize(("migrated", "said"), [(True, "is current"), (False, "run `darkroom migrate`")])
def test_doctor_looks_at_it(
    command: Callable[..., Result], database: Callable[..., str], migrated: bool, said: str
) -> None:
    told = command(database(migrated=migrated), "doctor").output
    assert said in " ".join(told.split())


@pytest.mark.parametrize(
    ("option", "said"),
    [("fsync=off", "fsync=off"), ("synchronous_commit=off", "synchronous_commit=off"), ("max_connections=12", "raise")],
)
def test_doctor_tells_of_a_server_that_may_lose_data_or_has_too_few_connections(
    command: Callable[..., Result], option: str, said: str
) -> None:
    with own_server(option) as server:
        told = " ".join(command(server.url, "doctor").output.split())
    assert said in told


def test_doctor_does_not_call_an_unfinished_copy_current(
    command: Callable[..., Result], database: Callable[..., str]
) -> None:
    url = database()
    run_sql(url, "INSERT INTO marks VALUES ('copying:/old/darkroom.db', now())")
    assert "run the same `darkroom copy` again" in " ".join(command(url, "doctor").output.split())


def test_commands_say_in_a_line_that_it_is_away_and_never_the_password(command: Callable[..., Result]) -> None:
    for name in ("migrate", "verify", "doctor"):
        ran = command("postgresql://u:GEHEIM@127.0.0.1:1/gone", name)
        assert ran.exit_code != 0
        assert "gone at 127.0.0.1:1" in " ".join(ran.output.split())
        assert "GEHEIM" not in ran.output

"""`darkroom copy` as a command: what it refuses, what it prints, and the exit code."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from service.bootstrap import open_components
from service.bootstrap.moving import open_to_copy
from service.catalog.catalog import Catalog
from service.cli.moving import JOURNAL
from service.errors import SettingsError
from service.server_lock import server_lock
from service.storage.filesystem import FilesystemStore
from tests.support.app import serving, settings_for
from tests.support.commands import Run
from tests.support.dump import dump
from tests.support.migrated import put_migrated
from tests.support.moto_bucket import s3_server
from tests.support.postgres import PostgresDatabases
from tests.upkeep.kept_archive import Archive, opened_archive


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The key of the one archived image."""
    path = put_migrated(tmp_path / "data" / "darkroom.db")
    catalog = Catalog(path)
    catalog.open()

    async def keep() -> str:
        archive: Archive = opened_archive(tmp_path / "data", catalog)
        await archive.keep()
        return await archive.key()

    try:
        return asyncio.run(keep())
    finally:
        catalog.close()


@pytest.fixture
def postgres_url(postgres: PostgresDatabases) -> Iterator[Callable[..., str]]:
    yield postgres.new
    postgres.drop_made()


def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/darkroom.db"


def archive(tmp_path: Path) -> str:
    return f"file://{tmp_path}/new/archive"


def one_line(result: Result) -> str:
    [line] = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    return line


def test_house_is_moved_and_the_new_one_is_sound(run: Run, key: str, tmp_path: Path) -> None:
    new_database, new_archive = database(tmp_path), archive(tmp_path)
    result = run("copy", "--to-database", new_database, "--to-storage", new_archive)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 objects" in result.stdout
    assert "all is well" in result.stdout
    assert f"set DARKROOM_DATABASE_URL={new_database}" in result.stdout
    assert f"set DARKROOM_STORAGE__URL={new_archive}" in result.stdout
    assert not (tmp_path / "data" / JOURNAL).exists()
    (tmp_path / "data" / "darkroom.db").unlink()
    (tmp_path / "data" / "archive" / key).unlink()
    assert run("verify", DATABASE_URL=new_database, STORAGE__URL=new_archive).exit_code == 0


def test_each_half_can_stay_where_it_is(run: Run, key: str, tmp_path: Path) -> None:
    assert run("copy", "--to-storage", archive(tmp_path)).exit_code == 0
    assert not (tmp_path / "new" / "darkroom.db").exists()
    assert run("copy", "--to-database", database(tmp_path)).exit_code == 0
    assert dump(tmp_path / "new" / "darkroom.db") == dump(tmp_path / "data" / "darkroom.db")
    assert run("verify", DATABASE_URL=database(tmp_path)).exit_code == 0


def test_json_is_one_document(run: Run, key: str, tmp_path: Path) -> None:
    for name in ("callback-secret", "api-key"):
        (tmp_path / "data" / name).write_text("GEHEIM")
    ends = ("--to-database", database(tmp_path), "--to-storage", archive(tmp_path))
    document = json.loads(run("copy", "--json", *ends).stdout)
    assert (document["ok"], document["error"], document["findings"]) == (True, None, [])
    assert (document["copied"]["objects"], document["copied"]["rows"]) == (2, document["copied"]["rows_verified"])
    told = zip(("DATABASE_URL", "STORAGE__URL", "callback-secret", "api-key"), document["next"], strict=True)
    assert all(name in line for name, line in told)
    assert "GEHEIM" not in str(document)
    again = json.loads(run("copy", "--json", *ends).stdout)
    assert (again["ok"], again["copied"]["there_already"], again["copied"]["rows"]) == (True, 2, 0)


def test_damage_in_the_source_ends_with_1_and_the_copy_is_whole(run: Run, key: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "archive" / key).write_bytes(b"damaged")
    result = run("copy", "--to-database", database(tmp_path), "--to-storage", archive(tmp_path))
    assert result.exit_code == 1
    assert f"wrong_size: {key}: 7 bytes instead of" in result.stdout
    assert "it was so before it was copied" in result.stdout
    assert "set DARKROOM_DATABASE_URL" in result.stdout
    assert (tmp_path / "new" / "archive" / key).read_bytes() == b"damaged"
    assert run("verify", DATABASE_URL=database(tmp_path), STORAGE__URL=archive(tmp_path)).exit_code == 1


@pytest.mark.parametrize("working", ["data", "new"])
def test_a_database_is_not_copied_while_a_server_works_on_it_or_on_the_new_one(
    run: Run, key: str, tmp_path: Path, working: str
) -> None:
    with server_lock(tmp_path / working / "darkroom.db"):
        result = run("copy", "--to-database", database(tmp_path))
    assert result.exit_code == 2
    assert "stop them (another server already works on" in one_line(result)
    assert not (tmp_path / "new" / "darkroom.db").exists()


def test_an_archive_is_copied_beside_a_server_and_that_more_may_come_is_told(
    run: Run, key: str, tmp_path: Path
) -> None:
    with server_lock(tmp_path / "data" / "darkroom.db"):
        result = run("copy", "--to-storage", archive(tmp_path))
    assert result.exit_code == 0
    assert "stop the server and run this again" in result.stdout


def test_a_database_with_tasks_of_its_own_is_refused(run: Run, key: str, tmp_path: Path) -> None:
    assert run("copy", "--to-database", database(tmp_path)).exit_code == 0
    assert run("register", "task-other", DATABASE_URL=database(tmp_path)).exit_code == 0
    result = run("copy", "--json", "--to-database", database(tmp_path))
    assert result.exit_code == 1
    assert "holds tasks of its own" in json.loads(result.stdout)["error"]
    assert "next" not in json.loads(result.stdout)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--to-database, --to-storage or both"),
        (("--to-database", "mysql://u:GEHEIM@host/x"), "--to-database: takes sqlite:///"),
        (("--to-database", "postgresql://u:GEHEIM@/"), "a host or the name of the database is missing"),
        (("--to-database", ""), "--to-database: takes"),
        (("--to-storage", "s3://GEHEIM:x@/"), "--to-storage: takes file://"),
        (("--to-storage", "file:relative"), "--to-storage: takes file://"),
        (("--to-database", "sqlite:///data/darkroom.db"), "--to-database: it is the database that the settings name"),
        (("--to-storage", "file://{}/data/archive"), "or one lies in the other"),
        (("--to-storage", "file://{}/data/archive/deeper"), "or one lies in the other"),
        (("--to-storage", "file://{}/data"), "or one lies in the other"),
        (("--to-storage-options", "options.json"), "--to-storage-options belongs to --to-storage"),
    ],
)
def test_what_cannot_be_copied_to_is_refused_in_a_sentence(
    run: Run, key: str, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "options.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    result = run("copy", *(argument.format(tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert told in result.stderr
    assert "GEHEIM" not in result.output
    assert sorted(tmp_path.rglob("*")) == before, "nothing was made"


@pytest.mark.parametrize("options", ["GEHEIM", '["GEHEIM"]', '{"secret": {"GEHEIM": 1}}', '{"GEHEIM": "GEHEIM"}'])
def test_options_that_are_none_are_refused_without_being_repeated(
    run: Run, key: str, tmp_path: Path, options: str
) -> None:
    (tmp_path / "options.json").write_text(options)
    result = run("copy", "--to-storage", "s3://bucket/x", "--to-storage-options", "options.json")
    assert result.exit_code == 2
    assert "--to-storage-options: " in one_line(result)
    assert "GEHEIM" not in result.output


def test_an_archive_goes_into_a_bucket_whose_options_are_in_a_file(run: Run, key: str, tmp_path: Path) -> None:
    with s3_server() as s3:
        place, options = s3.fresh_place(), json.dumps(s3.options)
        (tmp_path / "options.json").write_text(options)
        result = run("copy", "--to-storage", place, "--to-storage-options", "options.json")
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"set DARKROOM_STORAGE__URL={place}" in result.stdout
        assert not any(secret in result.output for secret in ("AKIATHEKEYOFTESTS", "the-secret-of-tests"))
        assert run("verify", STORAGE__URL=place, STORAGE__OPTIONS=options).exit_code == 0
        same = run("copy", "--to-storage", place, STORAGE__URL=place, STORAGE__OPTIONS=options)
        assert (same.exit_code, "where the archive is already" in same.stderr) == (2, True)


def test_a_house_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    result = run("copy", "--to-database", database(tmp_path))
    assert (result.exit_code, "there is no database at" in one_line(result)) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_new_postgresql_database_is_migrated_and_what_to_set_is_told_without_a_secret(
    run: Run, key: str, tmp_path: Path, postgres_url: Callable[..., str]
) -> None:
    for name in ("callback-secret", "api-key"):
        (tmp_path / "data" / name).write_text("GEHEIM")
    url = postgres_url(migrated=False)
    result = run("copy", "--to-database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "set DARKROOM_DATABASE_URL to what --to-database was given" in result.stdout
    for variable, name in (("CALLBACKS__SECRETS", "callback-secret"), ("API_KEYS", "api-key")):
        assert f"set DARKROOM_{variable} with what is in {tmp_path}/data/{name}" in result.stdout
    assert "GEHEIM" not in result.output
    assert run("verify", DATABASE_URL=url).exit_code == 0
    back = run("copy", "--to-database", database(tmp_path), DATABASE_URL=url, CALLBACKS__SECRETS='["GEHEIM"]')
    assert "keep DARKROOM_CALLBACKS__SECRETS as it is" in back.stdout
    assert dump(tmp_path / "new" / "darkroom.db") == dump(tmp_path / "data" / "darkroom.db")


def test_an_unfinished_copy_on_postgresql_is_not_served(tmp_path: Path, postgres_url: Callable[..., str]) -> None:
    settings = settings_for(tmp_path, database_url=postgres_url())
    catalog = Catalog(settings.database)
    catalog.open()
    asyncio.run(catalog.write(lambda tx: tx.marks.set("copying:/old/darkroom.db", tx.now)))
    catalog.close()
    with pytest.raises(SettingsError, match=r"unfinished copy of /old/darkroom\.db"), open_components(settings):
        pass


async def test_servers_on_either_postgresql_database_are_seen(tmp_path: Path, postgres_url: Callable[..., str]) -> None:
    url = postgres_url()
    async with serving(tmp_path, database_url=url) as house:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(house.parts.catalog.servers):
                await asyncio.sleep(0.02)
        FilesystemStore(tmp_path / "data" / "archive").open()
        served, other = house.parts.settings, settings_for(tmp_path, database_url=postgres_url())
        for source, target in ((served, other), (other, served)):
            with (
                pytest.raises(SettingsError, match=r"stop them \(1 servers work on"),
                open_to_copy(source, target, rows=True, objects=False),
            ):
                pass

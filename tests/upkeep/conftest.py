"""Archives for the tests of upkeep: on disk, or between real engines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.storage.bucket import Patience, open_clients
from service.storage.cloud import CloudStore
from service.storage.filesystem import FilesystemStore
from service.storage.place import Bucket
from tests.support.migrated import put_migrated
from tests.support.moto_bucket import S3Server, s3_server
from tests.support.postgres import PostgresDatabases
from tests.upkeep.kept_archive import Archive, opened_archive

House = Callable[[str, str], Archive]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """Makes catalogs and stores of any kind, all of them new and empty."""
    made: list[Catalog] = []

    def database(kind: str, folder: Path) -> Path | str:
        if kind == "sqlite":
            return put_migrated(folder / "darkroom.db")
        server: PostgresDatabases = request.getfixturevalue("postgres")
        if not made:
            request.addfinalizer(server.drop_made)
        return server.new()

    def store(kind: str, folder: Path) -> FilesystemStore | CloudStore:
        if kind == "disk":
            return FilesystemStore(folder / "archive")
        server: S3Server = request.getfixturevalue("s3")
        bucket = Bucket.of_url(server.fresh_place())
        assert bucket is not None
        patience = Patience()
        clients = open_clients(bucket, options=server.options, ca=None, user_agent="tests", patience=patience)
        return CloudStore(clients, place=str(bucket), staging=folder / "staging", patience=patience)

    def build(catalogs: str, objects: str) -> Archive:
        folder = tmp_path / f"house-{len(made)}"
        catalog, kept = Catalog(database(catalogs, folder)), store(objects, folder)
        catalog.open()
        made.append(catalog)
        kept.open()
        return Archive(folder, catalog, kept)

    yield build
    for catalog in made:
        catalog.close()


@pytest.fixture
def archive(tmp_path: Path, catalog: Catalog) -> Archive:
    return opened_archive(tmp_path, catalog)

"""A service whose archive is in a bucket: how it starts, what it says while that is away, and what doctor finds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import open_components
from service.bootstrap.upkeep import open_to_rebuild, open_to_verify
from service.doctor import Level, examine
from service.errors import SettingsError, StorageUnavailable
from service.storage.cloud import CloudStore
from service.upkeep.stored_bytes import measure
from tests.support.app import House, serving, settings_for
from tests.support.deliveries import TASK, task_object
from tests.support.moto_bucket import S3Server, s3_server

WITH_AN_ARCHIVER = "receiver,archiver,reconciler,api"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


def in_bucket(server: S3Server, url: str, **options: str) -> dict[str, Any]:
    """The group of settings of an archive in a bucket."""
    return {"url": url, "min_free_bytes": 0, "options": {**server.options, **options}}


async def archived(house: House) -> None:
    """One image archived; the house must have no archiver of its own, which would try to fetch it, too."""
    await house.complete()
    await house.archive()


async def problems(house: House) -> dict[str, str]:
    """What `/readyz` tells after a fresh look."""
    await house.parts.readiness.probe()
    answer = await house.anyone.get("/readyz")
    found: dict[str, str] = answer.json()["problems"]
    assert answer.status_code == (503 if found else 200)
    return found


async def test_images_and_sidecars_lie_in_the_bucket_and_are_found_again(tmp_path: Path, s3: S3Server) -> None:
    storage = in_bucket(s3, s3.fresh_place())
    async with serving(tmp_path, storage=storage) as house:
        await archived(house)
        keys = [entry.key async for entry in house.parts.store.list()]
        assert [key.rpartition("/")[2] for key in keys][1:] == ["task.json"]
        assert list(house.parts.store.staging.iterdir()) == []
        assert house.parts.store.staging == tmp_path / "data" / "staging"
    assert not (tmp_path / "data" / "archive").exists()
    async with serving(tmp_path, storage=storage, roles=WITH_AN_ARCHIVER) as house:
        assert await problems(house) == {}
        assert (await house.read.get(f"/v1/assets/{TASK}.0/content")).status_code == 200


def test_a_first_start_without_its_bucket_ends_with_the_reason(tmp_path: Path, s3: S3Server) -> None:
    settings = settings_for(tmp_path, storage=in_bucket(s3, "s3://missing"), roles=WITH_AN_ARCHIVER)
    with pytest.raises(StorageUnavailable, match="s3://missing cannot be used: there is no such bucket"):
        open_components(settings).__enter__()


@pytest.mark.parametrize("options", [{"acces_key_id": "5ecret"}, {"allow_http": "5ecret"}])
def test_options_that_the_store_does_not_take_stop_the_start_and_are_not_told(
    tmp_path: Path, s3: S3Server, options: dict[str, str]
) -> None:
    settings = settings_for(tmp_path, storage=in_bucket(s3, "s3://missing", **options))
    with pytest.raises(SettingsError, match="DARKROOM_STORAGE__OPTIONS: ") as raised:
        open_components(settings).__enter__()
    assert "5ecret" not in str(raised.value)


async def test_a_process_that_archives_nothing_is_ready_without_the_bucket(tmp_path: Path, s3: S3Server) -> None:
    async with serving(tmp_path, storage=in_bucket(s3, "s3://missing"), roles="receiver,api") as house:
        assert await problems(house) == {}
        assert (await house.call_back(task_object())).status_code == 202


@pytest.mark.long
async def test_a_bucket_that_is_away_keeps_no_callback_out_and_is_found_again(tmp_path: Path) -> None:
    with s3_server() as first:
        storage, port = in_bucket(first, "s3://pictures/x"), int(first.url.rpartition(":")[2])
        async with serving(tmp_path, storage=storage) as house:
            await archived(house)
    async with serving(tmp_path, storage=storage, roles=WITH_AN_ARCHIVER) as house:
        async with asyncio.timeout(30):
            while "cannot be reached" not in (await problems(house)).get("bucket", ""):
                pass
        assert (await house.call_back(task_object(task_id="task-while-away"))).status_code == 202
        content = await house.read.get(f"/v1/assets/{TASK}.0/content")
        assert (content.status_code, "bucket" in content.text) == (503, True)
        with s3_server(port):
            async with asyncio.timeout(30):
                while await problems(house):
                    pass


async def test_doctor_looks_at_the_bucket(tmp_path: Path, s3: S3Server) -> None:
    for url, level, words in [
        (s3.fresh_place(), Level.OK, "takes images"),
        ("s3://missing", Level.BROKEN, "no such bucket"),
    ]:
        findings = await examine(settings_for(tmp_path, storage=in_bucket(s3, url)))
        [storage] = [finding for finding in findings if finding.check == "storage"]
        assert (storage.level, words in storage.message, url in storage.message) == (level, True, True)
        assert "the-secret-of-tests" not in repr(findings)


async def test_doctor_says_how_to_get_a_lost_database_back_from_the_bucket(tmp_path: Path, s3: S3Server) -> None:
    storage = in_bucket(s3, s3.fresh_place())
    async with serving(tmp_path, storage=storage) as house:
        await archived(house)
    findings = await examine(settings_for(tmp_path / "new", storage=storage))
    [database] = [finding for finding in findings if finding.check == "database"]
    assert (database.level, "darkroom rebuild" in database.message) == (Level.BROKEN, True)


async def test_a_missing_bucket_is_no_archive_that_lost_its_images(tmp_path: Path, s3: S3Server) -> None:
    async with serving(tmp_path, storage=in_bucket(s3, s3.fresh_place())) as house:
        await archived(house)
    missing = settings_for(tmp_path, storage=in_bucket(s3, "s3://missing"))
    with open_to_verify(missing) as (_, store):
        assert isinstance(store, CloudStore)
        with pytest.raises(StorageUnavailable, match="no such bucket"):
            await measure(store, "evolink/2026/05/01/task/0-x.png", hashing=True)
    with pytest.raises(StorageUnavailable, match="no such bucket"):
        open_to_rebuild(missing).__enter__()

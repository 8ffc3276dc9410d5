"""Moving house as an operator does it: killed again and again, with a day's work in between, and back in the end."""

import asyncio
import json
import random
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.dump import Dump, dump
from tests.support.moto_bucket import S3Server, s3_server
from tests.support.postgres import PostgresServer, own_server, rows_of, run_sql
from tests.system.conftest import Start
from tests.system.support.answers import Answer, whole
from tests.system.support.archive_bucket import ArchiveBucket
from tests.system.support.darkroom import COMMAND, Darkroom, environment
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, all_looked_at, assert_archived, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

SEED = 20260504
TASKS = 30
STRAYS = 4000
SECRET_OF_THE_BUCKET = "the-secret-of-tests"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    with own_server(synced=True) as started:
        yield started


def sound(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)


async def archived(service: Darkroom, image_host: ImageHost, number: int) -> list[Job]:
    jobs = [new_job(image_host, sound, images=1 + index % 3) for index in range(number)]
    for job in jobs:
        url = await service.api.mint(ref=job.task_id)
        assert (await call_back(service.api.client, url, job.body)).status_code == 202
    for job in jobs:
        await assert_archived(service, job)
    return jobs


def crowd_the_inbox(database: Path) -> None:
    """Let there be so many callbacks that copying them takes a while."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO callbacks (source, origin, task_id, body_sha256, body, bytes, headers, tags, verdict, "
            "deliveries, received_at, last_received_at) SELECT 'evolink', 'callback', '', 'stray-' || i, "
            "randomblob(4000), 4000, '{}', '{}', 'unreadable', 1, received_at, received_at "
            "FROM n, (SELECT received_at FROM tasks LIMIT 1)",
            (STRAYS,),
        )


async def everything(service: Darkroom) -> str:
    """What the API says of all there is, once it says no more."""
    await all_looked_at(service)
    tasks = await service.api.all("/v1/tasks")
    told: dict[str, Any] = {
        "tasks": [await service.api.get(f"/v1/tasks/{task['id']}") for task in tasks],
        "assets": await service.api.all("/v1/assets"),
        "callbacks": await service.api.all("/v1/callbacks"),
        "urls": await service.api.all("/v1/callback-urls"),
    }
    return json.dumps(told).replace(service.settings["PUBLIC_URL"], "")


def lasting(everything: Dump) -> Dump:
    """All but what belongs to processes, and the index of words, which each server makes for itself."""
    kept = {name: rows for name, rows in everything.items() if name != "duties" and not name.startswith("search")}
    return kept | {"marks": [row for row in everything["marks"] if not row[0].startswith("search:")]}


class Mover:
    """Runs `darkroom copy` with the same options each time."""

    def __init__(self, service: Darkroom, *options: str) -> None:
        self._service = service
        self._options = options

    async def run(self) -> subprocess.CompletedProcess[str]:
        return await self._service.run("copy", *self._options)

    async def killed_when(self, far_enough: Callable[[], bool]) -> bool:
        """Whether it was killed, and not over before."""
        process = subprocess.Popen(
            [*COMMAND, "copy", *self._options],
            env=environment(self._service.settings),
            cwd=self._service.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None:
            if await asyncio.to_thread(far_enough):
                process.kill()
            await asyncio.sleep(0.005)
        return process.wait() < 0


@pytest.mark.timeout(300)  # dozens of commands, one after the other
async def test_a_move_that_is_killed_again_and_again_loses_nothing_and_leads_back(
    start: Start, image_host: ImageHost, s3: S3Server, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    old = await start()
    jobs = await archived(old, image_host, TASKS)
    assert await old.stop() == 0
    crowd_the_inbox(old.folder / "data" / "darkroom.db")

    run_sql(postgres_server.url, "CREATE DATABASE house")
    url, place = postgres_server.url.replace("/postgres", "/house"), s3.fresh_place()
    (old.folder / "bucket.json").write_text(json.dumps(s3.options))
    to_storage = ("--to-storage", place, "--to-storage-options", "bucket.json")
    mover = Mover(old, "--to-database", url, *to_storage)
    secret = (old.folder / "data" / "callback-secret").read_text().strip()
    new = await start(
        running=False,
        DATABASE_URL=url,
        STORAGE__URL=place,
        STORAGE__OPTIONS=json.dumps(s3.options),
        CALLBACKS__SECRETS=json.dumps([secret]),
    )

    bucket = ArchiveBucket(new.folder / "data", s3, place)
    for most in sorted(chance.sample(range(1, len(old.archive.keys())), 3)):
        assert await mover.killed_when(lambda: len(bucket.keys()) >= most)  # noqa: B023 - run at once
    await old.start()  # somebody needed it once more
    jobs += await archived(old, image_host, 4)
    gone = f"{jobs[0].task_id}.0"
    assert (await old.api.client.delete(f"/v1/assets/{gone}")).status_code == 204
    await eventually(lambda: _is_purged(old, jobs[0]), what="its bytes are gone")
    refused = await mover.run()
    assert (refused.returncode, "stop them" in refused.stderr) == (2, True)
    before = await everything(old)
    assert await old.stop() == 0
    for most in sorted(chance.sample(range(1, STRAYS), 2)):
        assert await mover.killed_when(lambda: rows_of(url, "SELECT count(*) FROM callbacks") >= [(most,)])  # noqa: B023

    new.spawn()
    assert await new.ended() != 0
    assert "run the same `darkroom copy` again" in new.log
    assert (await new.run("verify")).returncode == 2

    done = await mover.run()
    assert (done.returncode, "all is well" in done.stdout) == (0, True), done.stdout + done.stderr
    assert not any(word in done.stdout for word in (secret, SECRET_OF_THE_BUCKET))
    assert (await mover.run()).returncode == 0, "a copy that is whole is found to be one"

    back = tmp_path / "back"
    returned = await new.run(
        "copy", "--to-database", f"sqlite:///{back}/darkroom.db", "--to-storage", f"file://{back}/archive"
    )
    assert returned.returncode == 0, returned.stdout + returned.stderr
    assert lasting(dump(back / "darkroom.db")) == lasting(dump(old.folder / "data" / "darkroom.db"))
    assert bucket.keys() == old.archive.keys()
    for key in bucket.keys():  # noqa: SIM118 - a listing
        assert bucket.bytes_of(key) == old.archive.bytes_of(key) == (back / "archive" / key).read_bytes()
    assert [path.name for path in (back / "archive" / ".staging").iterdir()] == []

    await new.start()
    assert await everything(new) == before
    content = await new.api.client.get(f"/v1/assets/{jobs[1].task_id}.0/content")
    assert content.content == jobs[1].pictures[0].body
    verified = await new.run("verify")
    assert verified.returncode == 0, verified.stdout


async def _is_purged(service: Darkroom, job: Job) -> bool | None:
    left = service.archive.files()[job.task_id]
    return len(left) == len(job.files) - 1 or None


async def test_an_archive_goes_first_beside_a_server_and_the_rest_follows_quickly(
    start: Start, image_host: ImageHost, s3: S3Server
) -> None:
    service = await start()
    jobs = await archived(service, image_host, 3)
    await all_looked_at(service)  # or sidecars would be written anew
    place = s3.fresh_place()
    (service.folder / "bucket.json").write_text(json.dumps(s3.options))
    options = ("copy", "--quick", "--to-storage", place, "--to-storage-options", "bucket.json", "--json")
    first = json.loads((await service.run(*options)).stdout)
    assert (first["ok"], first["copied"]["objects"]) == (True, 3 + 6)
    jobs += await archived(service, image_host, 1)
    assert await service.stop() == 0
    second = json.loads((await service.run(*options)).stdout)
    assert (second["ok"], second["copied"]["objects"]) == (True, 1 + 1)
    moved = {"STORAGE__URL": place, "STORAGE__OPTIONS": json.dumps(s3.options)}
    assert (await service.run("verify", **moved)).returncode == 0

"""An archive in a bucket: kills, an outage, a lost database and a spoilt image, as an operator sees them."""

import json
import random
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.moto_bucket import S3Server, s3_server
from tests.system.conftest import Start
from tests.system.support.answers import Answer, slow, whole
from tests.system.support.archive_bucket import ArchiveBucket
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, all_looked_at, assert_archived, new_job
from tests.system.support.outage import not_ready, ready
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back, call_back_until_taken
from tests.system.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.long

SEED = 20260503
TASKS = 24
KILLS = 5
SECRETS = ("AKIATHEKEYOFTESTS", "the-secret-of-tests", "X-Amz-")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


@pytest.fixture
async def way(s3: S3Server) -> AsyncIterator[TcpProxy]:
    """The only way of the service to its bucket."""
    proxy = TcpProxy(int(s3.url.rpartition(":")[2]))
    await proxy.mend()
    yield proxy
    await proxy.cut()


def sound(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)


async def with_bucket(start: Start, s3: S3Server, way: TcpProxy, *, redirect: str = "off") -> Darkroom:
    """A running service whose archive is in a bucket."""
    place = s3.fresh_place()
    options = json.dumps({**s3.options, "endpoint": f"http://127.0.0.1:{way.port}"})
    service = await start(STORAGE__URL=place, STORAGE__OPTIONS=options, STORAGE__REDIRECT=redirect)
    service.archive = ArchiveBucket(service.folder / "data", s3, place)
    return service


def assert_nothing_told(service: Darkroom) -> None:
    assert [secret for secret in SECRETS if secret in service.log] == []


async def test_what_was_acknowledged_is_in_the_bucket_once_after_kill_upon_kill(
    start: Start, image_host: ImageHost, s3: S3Server, way: TcpProxy
) -> None:
    chance = random.Random(SEED)
    service = await with_bucket(start, s3, way)
    url = await service.api.mint()

    def answers(picture: Picture) -> tuple[Answer, ...]:
        return (slow(picture, parts=3, pause=chance.uniform(0.02, 0.1)),)

    jobs = [new_job(image_host, answers, images=chance.randint(1, 3)) for _ in range(TASKS)]
    for life in range(KILLS):
        for job in jobs[life::KILLS]:
            await call_back_until_taken(service.api.client, url, job.body, pauses=(0.1, 0.2, 0.4))
        await service.kill()
        await service.start()
    for job in jobs:
        await assert_archived(service, job)
    assert (await service.run("verify")).returncode == 0
    assert await service.stop() == 0
    assert service.archive.files() == {job.task_id: job.files for job in jobs}
    assert service.archive.staged() == []
    assert_nothing_told(service)


async def test_while_the_bucket_is_away_callbacks_are_taken_and_their_images_come_later(
    start: Start, image_host: ImageHost, s3: S3Server, way: TcpProxy
) -> None:
    service = await with_bucket(start, s3, way)
    before, during = new_job(image_host, sound), new_job(image_host, sound, images=2)
    url = await service.api.mint()
    await call_back(service.api.client, url, before.body)
    await assert_archived(service, before)
    await way.cut()
    assert (await call_back(service.api.client, url, during.body)).status_code == 202
    await not_ready(service, "bucket", "cannot be reached", within=60)
    assert (await call_back(service.api.client, url, during.body)).status_code == 200
    await service.kill()
    await service.start()  # an archive that has images is waited for
    await not_ready(service, "bucket", within=60)
    content = await service.api.client.get(f"/v1/assets/{before.task_id}.0/content")
    assert content.status_code == 503
    verified = await service.run("verify")
    assert (verified.returncode, "cannot be reached" in verified.stdout + verified.stderr) == (1, True)
    await way.mend()
    await ready(service, within=60)
    await assert_archived(service, during)
    assert_nothing_told(service)


async def test_a_lost_database_comes_back_from_the_bucket_and_a_spoilt_image_is_mended(
    start: Start, image_host: ImageHost, s3: S3Server, way: TcpProxy
) -> None:
    service = await with_bucket(start, s3, way)
    jobs = [new_job(image_host, sound, images=number) for number in (1, 3)]
    url = await service.api.mint()
    for job in jobs:
        await call_back(service.api.client, url, job.body)
        await assert_archived(service, job)
    await all_looked_at(service)
    before = await service.api.all("/v1/assets")
    assert await service.stop() == 0
    for path in (service.folder / "data").glob("darkroom.db*"):
        path.unlink()
    rebuilt = await service.run("rebuild", "--verify-bytes", "--json")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    await service.start()
    await all_looked_at(service)
    assert await service.api.all("/v1/assets") == before

    assert isinstance(service.archive, ArchiveBucket)
    service.archive.spoil(before[0]["object_key"])
    verified = await service.run("verify")
    assert (verified.returncode, f"wrong_hash: {before[0]['object_key']}" in verified.stdout) == (1, True)
    assert (await service.run("verify", "--repair")).returncode == 1
    await service.api.settled(before[0]["task_id"])
    assert (await service.run("verify")).returncode == 0
    assert_nothing_told(service)


async def test_content_is_fetched_from_the_bucket_itself_where_that_is_wanted(
    start: Start, image_host: ImageHost, s3: S3Server, way: TcpProxy
) -> None:
    service = await with_bucket(start, s3, way, redirect="on")
    job: Job = new_job(image_host, sound)
    await call_back(service.api.client, await service.api.mint(), job.body)
    await assert_archived(service, job)
    for method, body in (("GET", job.pictures[0].body), ("HEAD", b"")):
        answer = await service.api.client.request(method, f"/v1/assets/{job.task_id}.0/content")
        assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
        async with httpx.AsyncClient(trust_env=False) as anybody:
            found = await anybody.request(method, answer.headers["location"])
        assert (found.status_code, found.content) == (200, body)
    assert await service.stop() == 0
    assert_nothing_told(service)


async def test_a_first_start_without_its_bucket_ends_with_one_line_and_doctor_says_the_same(
    start: Start, s3: S3Server
) -> None:
    options = json.dumps(s3.options)
    service = await start(running=False, STORAGE__URL="s3://missing/x", STORAGE__OPTIONS=options)
    service.spawn()
    assert await service.ended() != 0
    assert "s3://missing/x cannot be used: there is no such bucket" in service.log
    assert "Traceback" not in service.log
    doctor = await service.run("doctor")
    assert (doctor.returncode, "there is no such bucket" in doctor.stdout) == (1, True)
    assert_nothing_told(service)

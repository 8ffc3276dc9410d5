"""The service behind PgBouncer, as an operator has it: made ready, called back, stopped and started through it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.packages import require
from tests.support.pgbouncer import PACKAGES, PgBouncer, pgbouncer
from tests.support.postgres import PostgresServer, own_server, run_sql
from tests.system.conftest import Start
from tests.system.support.answers import whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import assert_archived, new_job
from tests.system.support.provider import call_back

pytestmark = pytest.mark.long

JOBS = 40
SECRET = "a-secret-that-signs-callbacks-in-tests-of-the-system"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with own_server(synced=True) as started:
        run_sql(started.url, "CREATE DATABASE pictures")
        yield started


@pytest.fixture(scope="module")
def proxy(request: pytest.FixtureRequest, server: PostgresServer) -> Iterator[PgBouncer]:
    require(request, PACKAGES)
    with pgbouncer(server.url) as started:
        yield started


@pytest.fixture
async def service(start: Start, server: PostgresServer, proxy: PgBouncer) -> Darkroom:
    url = proxy.before(server.url.replace("/postgres", "/pictures"))
    return await start(running=False, DATABASE_URL=url, CALLBACKS__SECRETS=f'["{SECRET}"]')


async def test_many_callbacks_at_once_are_archived_and_outlive_a_restart(
    service: Darkroom, image_host: ImageHost
) -> None:
    migrated = await service.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    await service.start()
    jobs = [new_job(image_host, lambda picture: (whole(picture),)) for _ in range(JOBS)]
    url = await service.api.mint()
    answers = await asyncio.gather(*(call_back(service.api.client, url, job.body) for job in jobs))
    assert {answer.status_code for answer in answers} == {202}
    for job in jobs:
        await assert_archived(service, job)
    assert await service.stop() == 0
    await service.start()
    assert (await call_back(service.api.client, url, jobs[0].body)).status_code == 200
    assert len(await service.api.all("/v1/tasks")) == JOBS

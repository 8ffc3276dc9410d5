"""What images say of themselves is known soon after they are archived, whatever befalls the service, and is kept."""

import asyncio
import random

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Answer, whole
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import all_looked_at, assert_archived, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back

pytestmark = pytest.mark.long

SEED = 20260508
KILLS = 6


def sound(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)


async def test_images_are_looked_at_although_the_service_is_killed_again_and_again(
    start: Start, image_host: ImageHost
) -> None:
    chance = random.Random(SEED)
    service = await start()
    jobs = [new_job(image_host, sound, images=4, side=400) for _ in range(KILLS)]
    for job in jobs:
        url = await service.api.mint()
        assert (await call_back(service.api.client, url, job.body)).status_code == 202
        await asyncio.sleep(chance.uniform(0, 0.8))  # a life of any length
        await service.kill()
        await service.start()
    for job in jobs:
        await assert_archived(service, job)
    await all_looked_at(service)
    told = await service.api.all("/v1/assets")
    assert all(one["details"]["pixels"]["perceptual_hash"] and not one["details"]["unreadable"] for one in told)
    assert {one["details"]["version"] for one in told} == {2}
    assert await service.stop() == 0
    assert (await service.run("verify")).returncode == 0
    assert service.archive.staged() == []


async def test_pixels_that_were_left_alone_are_looked_at_when_that_is_wanted(
    start: Start, image_host: ImageHost
) -> None:
    service = await start(DETAILS__PIXELS="off")
    job = new_job(image_host, sound)
    assert (await call_back(service.api.client, await service.api.mint(), job.body)).status_code == 202
    await assert_archived(service, job)
    async with asyncio.timeout(20):
        while (await service.api.all("/v1/assets"))[0]["details"] is None:
            await asyncio.sleep(0.1)
    [left] = await service.api.all("/v1/assets")
    assert (left["details"]["version"], left["details"]["pixels"]) == (1, None)
    assert left["details"]["colour"]["type"] == "rgb"
    assert await service.stop() == 0
    service.settings = {**service.settings, "DETAILS__PIXELS": "on"}
    await service.start()
    await all_looked_at(service)
    sidecar = await service.archive.settled_sidecar(job.task_id)
    assert sidecar["task"]["id"] == job.task_id

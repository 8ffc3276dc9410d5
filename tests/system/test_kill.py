"""kill -9 at any moment: what was answered 2xx is archived once, and nothing else is left behind."""

import asyncio
import random
from functools import partial

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Answer, Gate, halted, slow, whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, assert_archived, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back, call_back_until_taken
from tests.system.support.waiting import eventually

SEED = 20260501
TASKS = 60
KILLS = 8
LONGEST_LIFE = 2.0
"""Seconds; where a machine is slow, the process that fetches comes up later, so every second life waits for it."""

TIMES = 3
BETWEEN_TRIES = (0.1, 0.2, 0.4)
"""Seconds; shorter than the provider's, so that a life of the service sees many tries."""


@pytest.mark.long
async def test_tasks_outlive_a_service_that_is_killed_again_and_again(start: Start, image_host: ImageHost) -> None:
    chance = random.Random(SEED)
    service = await start(DOWNLOAD__CONNECT_TIMEOUT="30s", DOWNLOAD__READ_TIMEOUT="60s")
    url = await service.api.mint()

    def answers(picture: Picture) -> tuple[Answer, ...]:
        return (slow(picture, parts=4, pause=chance.uniform(0.02, 0.15)),)

    jobs = [new_job(image_host, answers, images=chance.randint(1, 3)) for _ in range(TASKS)]
    async with asyncio.timeout(100), asyncio.TaskGroup() as uploads:
        tries = []
        for life in range(KILLS):
            tries += [uploads.create_task(upload(service, url, job)) for job in jobs[life::KILLS]]
            if life % 2:
                await fetching_begins(image_host)
                await service.kill()
                await service.start()
            else:
                await live_for(service, chance.uniform(0.0, LONGEST_LIFE))
    assert {upload.result() for upload in tries} <= {200, 202}
    for job in jobs:
        await assert_archived(service, job)
    assert {task["id"] for task in await service.api.all("/v1/tasks")} == {job.task_id for job in jobs}
    assert await service.stop() == 0
    assert service.archive.files() == {job.task_id: job.files for job in jobs}
    assert service.archive.staged() == []
    images = sum(len(job.pictures) for job in jobs)
    assert image_host.requests.total() > images, "no fetch was ever interrupted: this test has tested nothing"


async def upload(service: Darkroom, url: str, job: Job) -> int:
    return await call_back_until_taken(service.api.client, url, job.body, pauses=BETWEEN_TRIES)


async def fetching_begins(image_host: ImageHost) -> None:
    """Somebody asks for an image that is slow enough to be still under way for a while."""
    before = image_host.requests.total()

    async def asked() -> bool | None:
        return image_host.requests.total() > before or None

    await eventually(asked, what="an image is asked for", every=0.01)


async def live_for(service: Darkroom, seconds: float) -> None:
    """Let the service live for a while, kill it, and start it again; now and then kill it while it starts, too."""
    await asyncio.sleep(seconds)
    await service.kill()
    if seconds < 0.2:
        service.spawn()
        await asyncio.sleep(2 * seconds)
        await service.kill()
    await service.start()


@pytest.mark.long
async def test_an_image_that_was_half_downloaded_at_the_kill_is_fetched_again(
    start: Start, image_host: ImageHost
) -> None:
    service, gate = await start(), Gate()
    job = new_job(image_host, lambda picture: (halted(picture, gate), whole(picture)), side=500)
    url = await service.api.mint()
    assert (await call_back(service.api.client, url, job.body)).status_code == 202
    await asyncio.wait_for(gate.reached.wait(), 20)
    await service.kill()
    assert image_host.asked_for(job.links[0]) == 1

    await service.start()
    await assert_archived(service, job, within=15)  # well before the dead process's lease of 30 s would end
    assert image_host.asked_for(job.links[0]) == 2
    assert await service.stop() == 0
    assert service.archive.files() == {job.task_id: job.files}
    assert service.archive.staged() == []


@pytest.mark.long
async def test_a_kill_right_after_the_202_loses_nothing(start: Start, image_host: ImageHost) -> None:
    service = await start()
    url = await service.api.mint()
    for _ in range(TIMES):
        gate = Gate()  # shut until after the kill, so that nothing can have been archived before
        job = new_job(image_host, partial(halted_by, gate))
        answer = await call_back(service.api.client, url, job.body)
        await service.kill()
        assert answer.status_code == 202
        gate.opened.set()
        await service.start()
        await assert_archived(service, job)
        again = await call_back(service.api.client, url, job.body)
        assert again.status_code == 200
    callbacks = await service.api.all("/v1/callbacks")
    assert [callback["deliveries"] for callback in callbacks] == [2] * TIMES


def halted_by(gate: Gate, picture: Picture) -> tuple[Answer, ...]:
    return (halted(picture, gate),)

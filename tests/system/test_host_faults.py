"""The image host or the provider fails everything at once: no busy loop, no flood, and all is archived once after."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.answers import Answer, Gate, halted, page, slow, truncated, whole
from tests.system.support.authority import Authority
from tests.system.support.burden import Burden, Meter
from tests.system.support.darkroom import Darkroom
from tests.system.support.fickle_host import FickleHost
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, all_looked_at, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

IMAGES = 16
"""Of a task; the most that one may have."""

OUTAGE = 2.0
"""Seconds of an outage that are measured."""

BUSY = 0.5
"""Of a processor; a busy loop takes all of one. What is measured is a few hundredths."""

ATTEMPT = 0.01
"""Processor seconds that an attempt may take beside that: it is claimed, made, recorded, and told in the sidecar."""


@pytest.fixture
async def fickle_host(authority: Authority) -> AsyncIterator[FickleHost]:
    host = FickleHost(tls=authority.server_tls())
    await host.open()
    yield host
    await host.close()


async def over_the_outage(meter: Meter) -> Burden:
    """What a while of it costs."""
    await asyncio.sleep(OUTAGE)
    return meter.read()


def events(burden: Burden) -> Counter[str]:
    return Counter(json.loads(line)["event"] for line in burden.lines)


async def call_back_all(service: Darkroom, bodies: Sequence[bytes]) -> None:
    url = await service.api.mint()
    answers = await asyncio.gather(*(call_back(service.api.client, url, body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}


async def assert_all_archived(service: Darkroom, jobs: Sequence[Job], *, most_attempts: int) -> None:
    for job in jobs:
        task = await service.api.settled(job.task_id)
        told = [(asset["status"], asset["sha256"]) for asset in task["assets"]]
        assert told == [("archived", picture.sha256) for picture in job.pictures]
        assert max(asset["attempts"] for asset in task["assets"]) <= most_attempts
        await service.archive.settled_sidecar(job.task_id)
    await all_looked_at(service, within=120)
    assert service.archive.files() == {job.task_id: job.files for job in jobs}
    assert service.archive.staged() == []


async def test_two_hundred_images_wait_for_a_host_that_is_away_and_are_fetched_once_when_it_is_back(
    start: Start, fickle_host: FickleHost
) -> None:
    service = await start()
    jobs = [new_job(fickle_host, lambda picture: (whole(picture),), images=IMAGES) for _ in range(13)]
    await fickle_host.go_away()
    start_of_outage = Meter(service)
    await call_back_all(service, [job.body for job in jobs])

    async def tried_twice() -> bool | None:
        return service.log.count('"asset_attempt_failed"') >= 2 * 13 * IMAGES or None

    await eventually(tried_twice, what="each image was tried twice", every=0.2)
    burden = await over_the_outage(Meter(service))  # most of it lies before the third attempts
    assert burden.processor < BUSY * burden.seconds + ATTEMPT * events(burden)["asset_attempt_failed"]
    await fickle_host.come_back()
    outage = start_of_outage.read()
    assert outage.grown < 64 * 1024 * 1024
    assert events(outage)["asset_attempt_failed"] <= 3 * 13 * IMAGES
    assert len(outage.lines) < 5 * 13 * IMAGES, events(outage)
    await assert_all_archived(service, jobs, most_attempts=4)
    assert fickle_host.requests.total() == 13 * IMAGES


BAD: Mapping[str, Callable[[Picture], Answer]] = {
    "truncated": truncated,
    "page": lambda _: page(),
    "stalled": lambda picture: halted(picture, Gate()),  # nobody opens it
    "dripping": lambda picture: slow(picture, parts=100, pause=0.1),
}


def bad_once(kind: str, picture: Picture) -> tuple[Answer, ...]:
    return BAD[kind](picture), whole(picture)


async def test_a_host_that_lies_stalls_and_drips_costs_each_image_one_attempt(
    start: Start, image_host: ImageHost
) -> None:
    service = await start(DOWNLOAD__READ_TIMEOUT="1s", DOWNLOAD__TOTAL_TIMEOUT="2s")

    jobs = [new_job(image_host, partial(bad_once, kind), images=4) for kind in BAD]
    await call_back_all(service, [job.body for job in jobs])
    await assert_all_archived(service, jobs, most_attempts=2)
    assert set(image_host.requests.values()) == {2}


async def test_hundreds_of_questions_to_a_provider_that_is_down_cost_next_to_nothing(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="required")
    await provider.turn("down")
    await call_back_all(service, [task_object(new_task_id()) for _ in range(200)])

    async def opened() -> bool | None:
        return '"provider_down"' in service.log or None

    await eventually(opened, what="the service leaves the provider alone")
    asked = (await provider.ledger()).reads
    burden = await over_the_outage(Meter(service))
    assert burden.processor < BUSY * burden.seconds
    assert (await provider.ledger()).reads - asked < 10
    quiet = [line for line in burden.lines if json.loads(line)["level"] != "debug"]
    assert quiet == []

"""The clock is set a day ahead and back while the service works: what was planned then does not wait for a day."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Answer, page, whole
from tests.system.support.burden import Meter
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back
from tests.system.support.waiting import eventually
from tests.system.support.wall_clock import WallClock, why_no_clock

DAY, RIGHT = timedelta(days=1), timedelta()

pytestmark = [pytest.mark.long, pytest.mark.skipif(why_no_clock() is not None, reason=str(why_no_clock()))]


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


async def told(service: Darkroom, event: str, times: int = 1) -> None:
    """Wait until the log has told of something so often."""

    async def look() -> bool | None:
        return service.log.count(f'"{event}"') >= times or None

    await eventually(look, what=f"{event}, {times} times", within=30)


def bad_first(picture: Picture) -> tuple[Answer, ...]:
    return page(), whole(picture)


async def assert_archived_soon(service: Darkroom, job: Job) -> None:
    task = await service.api.settled(job.task_id, within=30)
    assert [(one["status"], one["attempts"], one["sha256"]) for one in task["assets"]] == [
        ("archived", 2, picture.sha256) for picture in job.pictures
    ]


async def test_an_image_whose_next_attempt_was_planned_in_a_wrong_future_is_fetched_when_the_clock_is_right(
    start: Start, image_host: ImageHost, clock: WallClock
) -> None:
    service = await start(running=False)
    await service.start(prefix=clock.prefix)
    url, job = await service.api.mint(), new_job(image_host, bad_first)
    meter = Meter(service)
    clock.set(DAY)
    await told(service, "clock_was_set")
    assert (await call_back(service.api.client, url, job.body)).status_code == 202
    await told(service, "asset_attempt_failed")
    clock.set(RIGHT)
    await assert_archived_soon(service, job)
    await told(service, "clock_was_set", times=2)
    assert len(meter.read().lines) < 20  # processor time would be that of the library that pretends


async def test_a_start_after_the_clock_was_set_right_finds_what_was_planned_in_a_wrong_future(
    start: Start, image_host: ImageHost, clock: WallClock
) -> None:
    service, job = await start(running=False), new_job(image_host, bad_first)
    clock.set(DAY)
    await service.start(prefix=clock.prefix)
    await call_back(service.api.client, await service.api.mint(), job.body)
    await told(service, "asset_attempt_failed")
    await service.kill()
    clock.set(RIGHT)
    await service.start()
    await assert_archived_soon(service, job)

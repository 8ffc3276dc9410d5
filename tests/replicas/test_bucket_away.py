"""A bucket that cannot be reached, in each way there is: callbacks are taken, and their images come when it is back."""

import asyncio

import pytest

from tests.replicas.conftest import Build
from tests.replicas.house import ARCHIVER, RECEIVER, RECONCILER
from tests.system.support.answers import Answer, whole
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.outage import not_ready, problems, ready
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back
from tests.system.support.road import State

pytestmark = pytest.mark.long

AWAY = (State.REFUSED, State.RESET, State.SILENT, State.HELD, State.SHORT, State.ERRORS)
CALLS = 5


def sound(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)


@pytest.mark.parametrize("state", AWAY)
async def test_callbacks_are_taken_while_the_bucket_is_away_and_their_images_are_stored_once_it_is_back(
    build: Build, image_host: ImageHost, state: State
) -> None:
    house = await build({"receiver": RECEIVER, "archiver": ARCHIVER}, counting=True)
    url = await house.api.mint()
    await house.to_bucket.become(state)
    jobs = [new_job(image_host, sound, side=64) for _ in range(CALLS)]
    for job in jobs:
        answer = await call_back(house.api.client, url, job.body)
        assert (answer.status_code, answer.elapsed.total_seconds() < 2) == (202, True)
        await asyncio.sleep(0.5)
    assert (await problems(house["receiver"])) == {}
    assert not [key for key in await asyncio.to_thread(house.shelf.keys) if not key.endswith("/task.json")]
    await house.to_bucket.become(State.OPEN)
    for job in jobs:
        task = await house.api.settled(job.task_id, within=90)
        assert [asset["attempts"] for asset in task["assets"]] == [1], "an outage of ours is no attempt"
        assert house.shelf.read(task["assets"][0]["object_key"]) == job.pictures[0].body


async def test_who_stores_nothing_starts_without_the_bucket_and_takes_callbacks(
    build: Build, image_host: ImageHost
) -> None:
    roles = {"receiver": RECEIVER, "reconciler": RECONCILER}
    house = await build({**roles, "archiver": ARCHIVER}, running=False)
    await house.to_bucket.become(State.REFUSED)
    await house.start(*roles)
    job = new_job(image_host, sound)
    assert (await call_back(house.api.client, await house.api.mint(), job.body)).status_code == 202
    house["archiver"].spawn()
    assert await house["archiver"].ended() != 0
    assert "cannot be used" in house["archiver"].log
    await house.to_bucket.become(State.OPEN)
    await house.start("archiver")
    assert (await house.api.settled(job.task_id))["assets"][0]["status"] == "archived"


async def test_readiness_tells_of_each_role_what_it_needs_and_nothing_else(build: Build, image_host: ImageHost) -> None:
    roles = {"receiver": RECEIVER, "archiver": ARCHIVER, "reconciler": RECONCILER}
    house = await build(roles)
    job = new_job(image_host, sound)
    await call_back(house.api.client, await house.api.mint(), job.body)
    await house.api.settled(job.task_id)

    await house.to_bucket.become(State.REFUSED)
    await call_back(house.api.client, await house.api.mint(), new_job(image_host, sound).body)
    await not_ready(house["archiver"], "bucket", "cannot be reached", within=60)
    assert [sorted(await problems(house[name])) for name in roles] == [[], ["bucket"], []]
    content = await house.api.client.get(f"/v1/assets/{job.task_id}.0/content")
    assert content.status_code == 503

    await house.to_database.become(State.REFUSED)
    for name in roles:
        await not_ready(house[name], "database", house.database)
    assert [sorted(await problems(house[name])) for name in roles] == [
        ["database"],
        ["bucket", "database"],
        ["database"],
    ]

    await house.to_bucket.become(State.OPEN)
    await house.to_database.become(State.OPEN)
    for name in roles:
        await ready(house[name], within=60)

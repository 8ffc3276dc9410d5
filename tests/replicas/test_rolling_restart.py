"""Replicas are stopped and started one after the other while callbacks come in: through the balancer nobody notices."""

import asyncio
import copy
from urllib.parse import urlsplit

import pytest

from tests.replicas.conftest import Build
from tests.replicas.house import House
from tests.system.support.answers import Answer, slow
from tests.system.support.authority import Authority
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.load import Tally, Target, keep_posting
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back

pytestmark = pytest.mark.long

CLIENTS = 8
IMAGES = 30

STALLED = "the callback was not durable within 5 s"
"""What a disk may be to blame for, and no restart is."""


def slowly(picture: Picture) -> tuple[Answer, ...]:
    return (slow(picture, parts=4, pause=0.5),)


async def roll(house: House) -> None:
    """Stop each with SIGTERM, and start it again before the next."""
    for name, replica in house.replicas.items():
        assert await replica.stop() == 0, name
        await house.start(name)


@pytest.mark.timeout(240)
async def test_a_rolling_restart_under_load_refuses_cuts_and_loses_nothing(
    build: Build, image_host: ImageHost, authority: Authority
) -> None:
    house = await build()
    url = await house.api.mint()
    jobs = [new_job(image_host, slowly) for _ in range(IMAGES)]
    for job in jobs:
        assert (await call_back(house.api.client, url, job.body)).status_code == 202
    target = Target(house.balancer.port, authority.client_tls(), urlsplit(url).path)
    tally = Tally()
    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(keep_posting(target, tally, keep_alive=number % 2 == 0))
        await roll(house)
        seen, untaken = copy.deepcopy(tally), house.untaken()
        await house.balancer.close()  # so the clients end
    assert (seen.refused, seen.cut) == ([], [])
    assert untaken <= {STALLED}
    assert set(seen.statuses) == ({202, 503} if untaken else {202})
    assert seen.goodbyes > 0, "no kept connection was told that it ends"

    await house.balancer.open()
    known = {task["id"] for task in await house.api.all("/v1/tasks")}
    assert seen.taken <= known
    for job in jobs:
        [asset] = (await house.api.settled(job.task_id))["assets"]
        assert (asset["status"], asset["attempts"]) == ("archived", 1)
    assert {image_host.asked_for(job.links[0]) for job in jobs} == {1}

"""Nothing goes wrong, and several archivers are at work: each image is claimed, fetched and stored once."""

import asyncio
from collections import defaultdict

import pytest

from tests.replicas.conftest import Build
from tests.replicas.house import ARCHIVER, RECEIVER, House
from tests.support.postgres import rows_of
from tests.system.support.answers import Answer, slow
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back

pytestmark = pytest.mark.long

ARCHIVERS = ("archiver-1", "archiver-2", "archiver-3")
ROLES = {"receiver": RECEIVER, **dict.fromkeys(ARCHIVERS, ARCHIVER)}
TASKS, IMAGES = 40, 3
CLAIMS = "SELECT task_id, index, claim FROM assets WHERE claim IS NOT NULL"


def slowly(picture: Picture) -> tuple[Answer, ...]:
    return (slow(picture, parts=3, pause=0.2),)


async def watched_claims(house: House) -> dict[tuple[str, int], set[str]]:
    """Every claim that each asset is seen under, until cancelled."""
    seen: dict[tuple[str, int], set[str]] = defaultdict(set)
    try:
        while True:
            for task_id, index, claim in await asyncio.to_thread(rows_of, house.direct, CLAIMS):
                seen[task_id, index].add(claim)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return seen


async def test_no_image_is_claimed_fetched_or_stored_twice_by_three_archivers(
    build: Build, image_host: ImageHost
) -> None:
    house = await build(ROLES, counting=True)
    url = await house.api.mint()
    jobs = [new_job(image_host, slowly, images=IMAGES) for _ in range(TASKS)]
    watching = asyncio.create_task(watched_claims(house))
    answers = await asyncio.gather(*(call_back(house.api.client, url, job.body) for job in jobs))
    assert {answer.status_code for answer in answers} == {202}
    for job in jobs:
        await house.api.settled(job.task_id, within=60)
    watching.cancel()

    claims = await watching
    assert len(claims) > TASKS, "the watch saw too little to tell anything"
    assert {len(of_one) for of_one in claims.values()} == {1}
    assert {image_host.asked_for(link) for job in jobs for link in job.links} == {1}
    puts = await asyncio.to_thread(house.shelf.puts)
    images = {key: times for key, times in puts.items() if not key.endswith("/task.json")}
    assert (len(images), set(images.values())) == (TASKS * IMAGES, {1})
    attempts = {asset["attempts"] for asset in await house.api.all("/v1/assets")}
    assert attempts == {1}
    shares = [await archived_by(house, name) for name in ARCHIVERS]
    assert (sum(shares), min(shares) > 0) == (TASKS * IMAGES, True), shares


async def archived_by(house: House, name: str) -> float:
    return (await house[name].api.metrics()).get('darkroom_assets_total{outcome="archived"}', 0)


async def test_an_image_is_fetched_by_another_process_well_before_that_would_have_looked(
    build: Build, image_host: ImageHost
) -> None:
    """Whoever polls each second is half a second late on average."""
    house = await build({"receiver": RECEIVER, "archiver": ARCHIVER})
    url, waits = await house.api.mint(), []
    loop = asyncio.get_running_loop()
    for _ in range(25):
        job = new_job(image_host, lambda picture: (slow(picture, parts=1, pause=0),))
        assert (await call_back(house.api.client, url, job.body)).status_code == 202
        acknowledged = loop.time()
        while not image_host.asked_for(job.links[0]):
            await asyncio.sleep(0.005)
        waits.append(loop.time() - acknowledged)
        await house.api.settled(job.task_id, within=2)
    assert sorted(waits)[len(waits) // 2] < 0.35, waits

"""An archive that lost its database, and one that lost a bit: what the commands make of it, and what the API says."""

import asyncio
import json
import random
import subprocess
from functools import partial
from typing import Any

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Answer, Gate, halted, whole
from tests.system.support.darkroom import COMMAND, Darkroom, environment
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, all_looked_at, assert_archived, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

SEED = 20260502
MANY = 100
KILLS = 4


def sound(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)


async def archived(service: Darkroom, image_host: ImageHost, *images: int) -> list[Job]:
    """Jobs with so many images each, archived."""
    jobs = [new_job(image_host, sound, images=number) for number in images]
    for job in jobs:
        url = await service.api.mint(ref=f"order-{job.task_id}")
        assert (await call_back(service.api.client, url, job.body)).status_code == 202
    for job in jobs:
        await assert_archived(service, job)
    return jobs


async def answers(service: Darkroom) -> dict[str, Any]:
    """What the API says of everything, once it says no more."""
    await all_looked_at(service)
    tasks = await service.api.all("/v1/tasks")
    return {
        "tasks": tasks,
        "assets": await service.api.all("/v1/assets"),
        "callbacks": [_lasting(one) for one in await service.api.all("/v1/callbacks")],
        "each": [await service.api.get(f"/v1/tasks/{task['id']}") for task in tasks],
    }


def _lasting(callback: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "task_id", "origin", "status", "verdict", "deliveries", "received_at", "bytes", "body_sha256")
    return {name: callback[name] for name in names}


def lose_database(service: Darkroom) -> None:
    for path in (service.folder / "data").glob("darkroom.db*"):
        path.unlink()


def flip_a_byte(service: Darkroom, key: str) -> None:
    path = service.folder / "data" / "archive" / key
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


async def test_an_archive_without_its_database_gives_the_same_answers_again(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    jobs = await archived(service, image_host, 1, 3, 2)
    url, failed = await service.api.mint(), new_task_id()
    await call_back(service.api.client, url, task_object(failed, status="failed", error={"code": "service_error"}))
    await service.api.settled(failed)
    deleted = f"{jobs[1].task_id}.2"
    assert (await service.api.client.delete(f"/v1/assets/{deleted}")).status_code == 204
    await service.api.settled(failed)
    before, fetched = await answers(service), image_host.requests.total()
    assert await service.stop() == 0
    files = service.archive.files()

    lose_database(service)
    rebuilt = await service.run("rebuild", "--verify-bytes", "--json")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert json.loads(rebuilt.stdout)["rebuilt"]["tasks"] == 4
    await service.start()
    assert await answers(service) == before
    for job in jobs:
        for index, picture in enumerate(job.pictures):
            content = await service.api.client.get(f"/v1/assets/{job.task_id}.{index}/content")
            gone = f"{job.task_id}.{index}" == deleted
            assert (content.status_code, gone or content.content == picture.body) == (410 if gone else 200, True)
    again = await call_back(service.api.client, url, task_object(failed, status="processing"))
    assert again.status_code == 202, "callback URLs still work"
    verified = await service.run("verify", "--json")
    assert verified.returncode == 0, verified.stdout
    assert await service.stop() == 0
    assert service.archive.files() == files
    assert image_host.requests.total() == fetched, "nothing was fetched again"


@pytest.mark.long
async def test_a_flipped_byte_is_named_and_mended_from_its_link(start: Start, image_host: ImageHost) -> None:
    service = await start()
    [job, _] = await archived(service, image_host, 2, 1)
    [key, _] = [asset["object_key"] for asset in (await service.api.get(f"/v1/tasks/{job.task_id}"))["assets"]]
    assert (await service.run("verify")).returncode == 0
    flip_a_byte(service, key)

    verified = await service.run("verify")
    assert verified.returncode == 1
    assert f"wrong_hash: {key}" in verified.stdout
    assert "Traceback" not in verified.stderr
    assert (await service.run("verify", "--quick")).returncode == 0, "by its size nothing is wrong"

    repaired = await service.run("verify", "--repair", "--json")
    assert (repaired.returncode, json.loads(repaired.stdout)["found"]) == (1, {"wrong_hash": 1})
    await service.api.settled(job.task_id)
    assert service.archive.bytes_of(key) == job.pictures[0].body
    assert (await service.run("verify")).returncode == 0


async def test_an_image_that_was_on_its_way_when_the_database_was_lost_is_archived(
    start: Start, image_host: ImageHost
) -> None:
    service, gate = await start(), Gate()
    job = new_job(image_host, lambda picture: (halted(picture, gate), whole(picture)), side=200)
    await call_back(service.api.client, await service.api.mint(), job.body)
    await asyncio.wait_for(gate.reached.wait(), 20)
    await eventually(partial(_sidecar, service, job), what="the sidecar tells of the link")
    await service.kill()
    lose_database(service)
    rebuilt = await service.run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout
    assert "1 pending" in rebuilt.stdout
    await service.start()
    await assert_archived(service, job)


@pytest.mark.long
async def test_a_rebuild_beside_a_server_or_into_its_database_is_refused(start: Start, image_host: ImageHost) -> None:
    service = await start()
    await archived(service, image_host, 1)
    beside = await service.run("rebuild")
    assert (beside.returncode, "stop it" in beside.stderr) == (2, True)
    assert await service.stop() == 0
    into = await service.run("rebuild")
    assert (into.returncode, "move it away" in into.stderr) == (1, True)


@pytest.mark.long
async def test_a_rebuild_that_is_killed_again_and_again_comes_to_the_same(start: Start, image_host: ImageHost) -> None:
    chance = random.Random(SEED)
    service = await start()
    await archived(service, image_host, 2)
    url = await service.api.mint()
    for _ in range(MANY):
        await call_back(service.api.client, url, task_object(new_task_id(), status="failed"))
    assert await service.stop() == 0
    await service.start()  # what was left of the sidecars is written by now, or is written at once
    await asyncio.gather(*(service.archive.settled_sidecar(task["id"]) for task in await service.api.all("/v1/tasks")))
    before = await answers(service)
    assert await service.stop() == 0
    lose_database(service)
    for _ in range(KILLS):
        await _killed_after(service, chance.uniform(0.4, 1.2))
    rebuilt = await service.run("rebuild", "--json")
    assert rebuilt.returncode == 0, rebuilt.stdout
    done = json.loads(rebuilt.stdout)["rebuilt"]
    assert done["tasks"] + done["there_already"] == MANY + 1
    await service.start()
    assert await answers(service) == before
    assert (await service.run("verify")).returncode == 0


async def _sidecar(service: Darkroom, job: Job) -> bool | None:
    return "task.json" in service.archive.files().get(job.task_id, []) or None


async def _killed_after(service: Darkroom, seconds: float) -> None:
    """A rebuild that lives for so long at most."""
    command = partial(subprocess.run, [*COMMAND, "rebuild"], env=environment(service.settings), cwd=service.folder)
    try:
        await asyncio.to_thread(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds)
    except subprocess.TimeoutExpired:
        return  # run() has killed it

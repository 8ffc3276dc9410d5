"""What a replica was at when it died is another's as soon as the lease ends, and not before."""

import asyncio
import json
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.replicas.conftest import Begin, Build
from tests.replicas.house import ARCHIVER, RECEIVER, RECONCILER, House
from tests.support.postgres import rows_of
from tests.system.support.answers import Answer, Gate, halted
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back
from tests.system.support.road import State
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

LEASE, POLL = 30.0, 1.0
AT_WORK = 4.0
"""Seconds for the work itself, on a machine that has other things to do."""


async def claim_of(house: House, task_id: str, claim: str, until: str, *, table: str = "tasks") -> datetime:
    """Wait until something of a task is claimed; when its lease ends."""
    name = "id" if table == "tasks" else "task_id"
    query = f"SELECT {until} FROM {table} WHERE {name} = '{task_id}' AND {claim} IS NOT NULL"

    async def look() -> datetime | None:
        rows = await asyncio.to_thread(rows_of, house.direct, query)
        return rows[0][0] if rows else None

    return await eventually(look, what=f"{claim} of {task_id}", every=0.1)


async def settled_sidecar(house: House, task_id: str) -> float:
    """When the sidecar of a task first tells that it is settled."""

    async def look() -> bool | None:
        keys = await asyncio.to_thread(house.shelf.keys)
        found = [house.shelf.read(key) for key in keys if key.endswith(f"/{task_id}/task.json")]
        return any(json.loads(body)["task"]["settled_at"] for body in found) or None

    await eventually(look, what=f"the sidecar of {task_id}", within=60, every=0.2)
    return time.monotonic()


async def completed(house: House, task_id: str) -> tuple[Any, float]:
    async def look() -> Any:
        task = await house.api.get(f"/v1/tasks/{task_id}")
        return task if task["status"] == "completed" else None

    return await eventually(look, what=f"{task_id} is completed", within=60), time.monotonic()


@pytest.mark.timeout(180)
async def test_image_sidecar_and_question_of_the_dead_are_taken_over_within_one_lease_and_one_poll(
    build: Build, stand_in: Begin
) -> None:
    provider = await stand_in()
    roles = {"receiver": RECEIVER, "archiver-1": ARCHIVER, "reconciler-1": RECONCILER}
    heirs = {"archiver-2": ARCHIVER, "reconciler-2": RECONCILER}
    house = await build({**roles, **heirs}, running=False, asks=provider)
    await house.start(*roles)
    url = await house.api.mint()

    await house.to_bucket.become(State.HELD)
    image = await provider.submit(callback_url=url)
    leases = [
        await claim_of(house, image, "claim", "claimed_until", table="assets"),
        await claim_of(house, image, "sidecar_claim", "sidecar_until"),
    ]
    await provider.turn("silent")
    question = await provider.submit(callback_url=url)
    leases.append(await claim_of(house, question, "check_claim", "check_until"))

    await asyncio.gather(house["archiver-1"].kill(), house["reconciler-1"].kill())
    died_at, died = time.monotonic(), datetime.now(UTC)
    house.to_bucket.reset()
    await house.to_bucket.become(State.OPEN)
    await provider.turn("ok")
    await house.start(*heirs)
    assert min(leases) > died, "the heirs were there before the first lease ended"

    (asked, asked_at), archived, sidecar_at = await asyncio.gather(
        completed(house, question), house.api.settled(image, within=60), settled_sidecar(house, image)
    )
    latest = died_at + LEASE + POLL + AT_WORK
    assert (asked_at < latest, sidecar_at < latest) == (True, True), (asked_at - died_at, sidecar_at - died_at)
    [asset] = archived["assets"]
    archived_at = datetime.fromisoformat(asset["archived_at"])
    assert (archived_at - died).total_seconds() < LEASE + POLL + AT_WORK
    assert archived_at > leases[0], "a living lease was not respected"
    assert [asset["attempts"], asked["conflict"]] == [1, False]


def cut(picture: Picture, gate: Gate) -> Answer:
    """Half of it, and the end of the connection when the gate opens."""
    answer = halted(picture, gate)
    return replace(answer, parts=(answer.parts[0], b"-"))


@pytest.mark.timeout(180)
async def test_the_outcome_of_who_wakes_up_after_its_lease_does_not_count(build: Build, image_host: ImageHost) -> None:
    house = await build({"receiver": RECEIVER, "sleeper": ARCHIVER, "heir": ARCHIVER}, running=False)
    await house.start("receiver", "sleeper")
    of_sleeper, of_heir = Gate(), Gate()
    job = new_job(image_host, lambda picture: (cut(picture, of_sleeper), halted(picture, of_heir)))
    await call_back(house.api.client, await house.api.mint(), job.body)
    await asyncio.wait_for(of_sleeper.reached.wait(), 20)
    await house["sleeper"].halt()
    await house.start("heir")
    await asyncio.wait_for(of_heir.reached.wait(), LEASE + POLL + AT_WORK)

    async def dropped() -> bool | None:
        return "asset_outcome_dropped" in house["sleeper"].log or None

    of_sleeper.opened.set()
    house["sleeper"].signal(signal.SIGCONT)
    await eventually(dropped, what="the sleeper is told that it lost its claim")
    assert await claim_of(house, job.task_id, "claim", "claimed_until", table="assets") > datetime.now(UTC)
    of_heir.opened.set()
    [asset] = (await house.api.settled(job.task_id))["assets"]
    assert (asset["status"], asset["attempts"], image_host.asked_for(job.links[0])) == ("archived", 1, 2)
    assert house.shelf.read(asset["object_key"]) == job.pictures[0].body

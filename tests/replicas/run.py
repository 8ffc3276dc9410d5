"""One run with replicas: storm, calm, judgement; then a new database is made from the bucket, and judged again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict, judge
from tests.chaos.phases import Outcome, Say, all_tasks, command, failed_attempts, submit_all, until_at_rest, weather
from tests.chaos.plan import Plan
from tests.chaos.weather import kills, outages, up
from tests.replicas.house import House, standing
from tests.replicas.store import Store, quick_store
from tests.replicas.weather import Far, Mortal, freezes, troubles
from tests.support.postgres import PostgresServer, own_server
from tests.system.support.authority import new_authority
from tests.system.support.road import State
from tests.system.support.stand_in import StandIn

LIFE = (1.0, 9.0)
"""Seconds that a replica lives after it first answers: so there are seldom all of them, and seldom none."""

DATABASE = (State.REFUSED, State.RESET, State.SILENT, State.HELD)
BUCKET = (*DATABASE, State.SLOW, State.SHORT, State.ERRORS)


TROUBLES_TOLD = 5
"""The last lines of each replica's log that are no good news, where a run comes to no rest."""


@dataclass(frozen=True, slots=True)
class _Scene:
    house: House
    stand_in: StandIn
    server: PostgresServer
    store: Store
    plan: Plan


async def run(
    plan: Plan,
    folder: Path,
    say: Say,
    *,
    store: Callable[[], AbstractContextManager[Store]] = quick_store,
) -> Outcome:
    """Go through it all below a folder that is empty; `say` is told what is going on."""
    outcome = Outcome()
    async with _scene(plan, folder, store) as scene:
        say(f"{plan.tasks} tasks, {plan.rate:.0f} a second, for {len(scene.house.replicas)} replicas")
        await _storm(scene, outcome.seen)
        say("calm: " + ", ".join(f"{number} {what}" for what, number in sorted(outcome.seen.items())))
        await _calm(scene, say)
        ledger = await scene.stand_in.ledger()
        truth = list(ledger.tasks.values())
        outcome.seen["probes left in the bucket"] = await asyncio.to_thread(scene.house.shelf.probes)
        outcome.storm = await _judged(scene.house, truth, outcome, folder / "stored")
        for what in outcome.storm.wrong:
            say(what)
        say("making a new database from the bucket")
        await scene.house.new_database()
        await command(scene.house["archiver-1"], outcome, "rebuild")
        await scene.house.start()
        outcome.rebuilt = await _judged(scene.house, truth, outcome, folder / "rebuilt", inbox=False)
        outcome.complaints += [f"the log of {told}" for told in scene.house.leaked(ledger.names)]
    return outcome


@asynccontextmanager
async def _scene(plan: Plan, folder: Path, store: Callable[[], AbstractContextManager[Store]]) -> AsyncIterator[_Scene]:
    authority = new_authority(folder)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(own_server(synced=True))
        there = stack.enter_context(store())
        stand_in = StandIn(folder=folder, authority=authority, options=plan.stand_in)
        stack.push_async_callback(stand_in.close)
        await stand_in.start()
        changed = {**stand_in.settings, "CONFIRM__PATIENCE": "120s", "LOG__LEVEL": "info"}
        house = House(folder / "house", authority=authority, server=server, bucket=there.bucket, changed=changed)
        await stack.enter_async_context(standing(house))
        await house.start()
        yield _Scene(house, stand_in, server, there, plan)


async def _storm(scene: _Scene, seen: Counter[str]) -> None:
    """Submit everything while it storms."""
    house, plan = scene.house, scene.plan
    urls = [await house.api.mint(ref=f"batch-{number}") for number in range(plan.urls)]
    database = Far("database", house.to_database, DATABASE, Mortal(scene.server.stop, scene.server.start))
    bucket = Far("bucket", house.to_bucket, BUCKET, scene.store.mortal)
    async with weather(
        *(kills(replica, plan, seen, who=name, life=LIFE) for name, replica in house.replicas.items()),
        *(troubles(far, plan.chance(far.name), seen) for far in (database, bucket)),
        freezes(list(house.replicas.values()), plan.chance("freezes"), seen),
        outages(scene.stand_in, plan, seen),
    ):
        await submit_all(scene.stand_in, urls, plan, seen)


async def _calm(scene: _Scene, say: Say) -> None:
    """Wait in fair weather until nothing is left to do."""
    for replica in scene.house.replicas.values():
        await up(replica, Counter())
    try:
        await until_at_rest(scene.house.api, scene.plan, say)
    except AssertionError:
        for name, replica in scene.house.replicas.items():
            for line in [one for one in replica.log.splitlines() if '"level": "info"' not in one][-TROUBLES_TOLD:]:
                say(f"{name}: {line}")
        raise


async def _judged(house: House, truth: Sequence[Any], outcome: Outcome, folder: Path, *, inbox: bool = True) -> Verdict:
    """Hear what the house says, stop it, and hold its word and its bucket against the truth."""
    tasks = await all_tasks(house.api)
    callbacks = await house.api.all("/v1/callbacks") if inbox else None
    if inbox:
        outcome.seen["failed attempts at images"] = failed_attempts(tasks)
    for name, code in (await house.stop()).items():
        if code:
            outcome.complaints.append(f"{name} ended with exit code {code}")
    await asyncio.to_thread(house.shelf.fetch_all, folder)
    verdict = await asyncio.to_thread(judge, truth, tasks, callbacks, folder)
    await command(house["archiver-1"], outcome, "verify")
    return verdict

"""One run of the chaos suite: storm, calm, judgement; then the database is thrown away, made anew, and judged again."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.chaos.judge import judge
from tests.chaos.phases import Outcome, Say, all_tasks, command, failed_attempts, submit_all, until_at_rest, weather
from tests.chaos.plan import Plan
from tests.chaos.weather import floods, kills, outages, up
from tests.system.support.authority import new_authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import free_port
from tests.system.support.settings import settings_for
from tests.system.support.small_disk import SmallDisk, mounted
from tests.system.support.stand_in import StandIn


async def run(plan: Plan, folder: Path, say: Say) -> Outcome:
    """Go through it all below a folder that is empty; `say` is told what is going on."""
    outcome = Outcome()
    with _small_disk(folder / "disk", plan.disk) as disk:
        if disk is None:
            say("the disk is not filled: mounting a small one takes root")
        async with _scene(plan, folder) as (service, stand_in):
            say(f"{plan.tasks} tasks, {plan.rate:.0f} a second")
            await _storm(service, stand_in, disk, plan, outcome.seen)
            say("calm: " + ", ".join(f"{number} {what}" for what, number in outcome.seen.items()))
            await _calm(service, plan, say)
            truth = list((await stand_in.ledger()).tasks.values())
            await _judge(service, truth, outcome, say)
            say("making the database anew from the sidecars")
            await _rebuild(service, truth, outcome, keep=folder / "database")
            outcome.complaints += [f"the log tells {secret}" for secret in service.leaked()]
        if outcome.wrong and disk is not None:
            await asyncio.to_thread(shutil.copytree, disk.path, folder / "left-on-disk")
    return outcome


@contextmanager
def _small_disk(folder: Path, mebibytes: int) -> Iterator[SmallDisk | None]:
    """A disk of its own for the data directory, so that it can be full; None where that takes rights we lack."""
    disk = mounted(folder, mebibytes)
    try:
        yield disk
    finally:
        if disk is not None:
            disk.unmount()


async def _judge(service: Darkroom, truth: Sequence[Any], outcome: Outcome, say: Say) -> None:
    tasks, inbox = await all_tasks(service.api), await service.api.all("/v1/callbacks")
    outcome.seen["failed attempts at images"] = failed_attempts(tasks)
    await _stop(service, outcome)
    outcome.storm = await asyncio.to_thread(judge, truth, tasks, inbox, _data(service) / "archive")
    for what in outcome.storm.wrong:
        say(what)
    await command(service, outcome, "verify")


async def _rebuild(service: Darkroom, truth: Sequence[Any], outcome: Outcome, *, keep: Path) -> None:
    """Take the database away, have it made anew, and judge once more; raw callbacks are not in sidecars."""
    keep.mkdir()
    for file in _data(service).glob("darkroom.db*"):
        shutil.move(file, keep)
    await command(service, outcome, "rebuild")
    await service.start()
    tasks = await all_tasks(service.api)
    await _stop(service, outcome)
    outcome.rebuilt = await asyncio.to_thread(judge, truth, tasks, None, _data(service) / "archive")
    await command(service, outcome, "verify")


def _data(service: Darkroom) -> Path:
    return Path(service.settings["DATA_DIR"])


@asynccontextmanager
async def _scene(plan: Plan, folder: Path) -> AsyncIterator[tuple[Darkroom, StandIn]]:
    authority = new_authority(folder)
    async with AsyncExitStack() as stack:
        stand_in = StandIn(folder=folder, authority=authority, options=plan.stand_in)
        stack.push_async_callback(stand_in.close)
        await stand_in.start()
        changed: dict[str, str | None] = {
            **stand_in.settings,
            "DATA_DIR": str(folder / "disk" / "data"),
            "STORAGE__MIN_FREE_BYTES": "0",
            "CONFIRM__PATIENCE": "60s",
            "LOG__LEVEL": "info",
        }
        settings = settings_for(folder, free_port(), authority=authority, tls=True, changed=changed)
        service = Darkroom(folder=folder, settings=settings, tls=authority.client_tls())
        stack.push_async_callback(service.close)
        await service.start()
        yield service, stand_in


async def _storm(service: Darkroom, stand_in: StandIn, disk: SmallDisk | None, plan: Plan, seen: Counter[str]) -> None:
    """Submit everything while it storms."""
    urls = [await service.api.mint(ref=f"batch-{number}") for number in range(plan.urls)]
    async with weather(kills(service, plan, seen), outages(stand_in, plan, seen), floods(disk, plan, seen)):
        await submit_all(stand_in, urls, plan, seen)


async def _calm(service: Darkroom, plan: Plan, say: Say) -> None:
    """One more start in fair weather, then wait until nothing is left to do."""
    await up(service, Counter())
    await service.kill()
    await service.start()
    await until_at_rest(service.api, plan, say)


async def _stop(service: Darkroom, outcome: Outcome) -> None:
    if code := await service.stop():
        outcome.complaints.append(f"the service ended with exit code {code}")

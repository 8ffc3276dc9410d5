"""One run of the chaos suite: storm, calm, judgement; then the database is thrown away, made anew, and judged again."""

import asyncio
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict, judge
from tests.chaos.plan import Plan
from tests.chaos.weather import floods, kills, outages, up
from tests.system.support.authority import new_authority
from tests.system.support.darkroom import COMMAND, Darkroom, environment
from tests.system.support.ports import free_port
from tests.system.support.settings import settings_for
from tests.system.support.small_disk import SmallDisk, mounted
from tests.system.support.stand_in import StandIn
from tests.system.support.waiting import eventually

CALM_WITHIN = 900.0
COMMAND_WITHIN = 900.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What happened, how it stood afterwards, and how after a rebuild from the sidecars alone."""

    seen: Counter[str] = field(default_factory=Counter)
    storm: Verdict = field(default_factory=Verdict)
    rebuilt: Verdict = field(default_factory=Verdict)
    complaints: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        again = [f"after the rebuild, {what}" for what in self.rebuilt.wrong]
        return [*self.storm.wrong, *again, *self.complaints]


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
    tasks, inbox = await _tasks(service), await service.api.all("/v1/callbacks")
    attempts = (asset["attempts"] for task in tasks for asset in task["assets"])
    outcome.seen["failed attempts at images"] = sum(max(0, number - 1) for number in attempts)
    await _stop(service, outcome)
    outcome.storm = await asyncio.to_thread(judge, truth, tasks, inbox, _data(service) / "archive")
    for what in outcome.storm.wrong:
        say(what)
    await _command(service, outcome, "verify")


async def _rebuild(service: Darkroom, truth: Sequence[Any], outcome: Outcome, *, keep: Path) -> None:
    """Take the database away, have it made anew, and judge once more; raw callbacks are not in sidecars."""
    keep.mkdir()
    for file in _data(service).glob("darkroom.db*"):
        shutil.move(file, keep)
    await _command(service, outcome, "rebuild")
    await service.start()
    tasks = await _tasks(service)
    await _stop(service, outcome)
    outcome.rebuilt = await asyncio.to_thread(judge, truth, tasks, None, _data(service) / "archive")
    await _command(service, outcome, "verify")


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
    """Submit everything while it storms; ends when all has ended at the provider and its callbacks are over."""
    urls = [await service.api.mint(ref=f"batch-{number}") for number in range(plan.urls)]
    async with asyncio.TaskGroup() as group:
        storm = [
            group.create_task(kills(service, plan, seen)),
            group.create_task(outages(stand_in, plan, seen)),
            group.create_task(floods(disk, plan, seen)),
        ]
        for number in range(plan.tasks):
            await stand_in.submit(callback_url=urls[number % len(urls)], n=plan.images(number))
            await asyncio.sleep(1 / plan.rate)
        await eventually(
            lambda: _all_called_back(stand_in), what="all callbacks are over", within=CALM_WITHIN, every=1.0
        )
        for one in storm:
            one.cancel()


async def _all_called_back(stand_in: StandIn) -> bool | None:
    totals = (await stand_in.ledger()).totals
    return totals["callbacks_done"] == totals["tasks"] or None


async def _calm(service: Darkroom, plan: Plan, say: Say) -> None:
    """One more start in fair weather, then wait until nothing is left to do."""
    await up(service, Counter())
    await service.kill()
    await service.start()
    last = -1

    async def look() -> bool | None:
        nonlocal last
        tasks = await _tasks(service)
        names = [task["id"] for task in tasks if not task["settled_at"] or task["next_check_at"] is not None]
        left = plan.tasks - len(tasks) + len(names)
        if left != last:
            say(f"{left} of {plan.tasks} are not at rest" + (f": {', '.join(names[:9])}" if left < 10 else ""))
        last = left
        return left == 0 or None

    await eventually(look, what="all tasks are at rest", within=CALM_WITHIN, every=2.0)


async def _tasks(service: Darkroom) -> list[Any]:
    """Every task with its assets, conflicting ones too."""
    return await service.api.all("/v1/tasks", conflict="true")


async def _stop(service: Darkroom, outcome: Outcome) -> None:
    if code := await service.stop():
        outcome.complaints.append(f"the service ended with exit code {code}")


async def _command(service: Darkroom, outcome: Outcome, *words: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [*COMMAND, *words],
        env=environment(service.settings),
        cwd=service.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_WITHIN,
    )
    if done.returncode:
        outcome.complaints.append(f"darkroom {' '.join(words)} ended with {done.returncode}: {done.stdout[-2000:]}")

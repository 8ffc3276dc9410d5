"""A service that is killed at one step of an errand, is started again, and is judged by what was paid."""

import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx

from tests.crash.support.door import Seen, before, seen
from tests.crash.support.errand import Errand
from tests.crash.support.paid import Flaw, Found, judged
from tests.crash.support.scene import Scene, new_scene
from tests.crash.support.servers import Servers, a_few_at_once
from tests.system.support.authority import Authority
from tests.system.support.stand_in import StandIn
from tests.system.support.waiting import eventually

DONE, SIGKILLED = 0, -9

SURE_AFTER = timedelta(seconds=100)
"""What has not made a task in this time never arrived."""

UNFIT = (AssertionError, httpx.HTTPError, sqlite3.Error, subprocess.SubprocessError, KeyError, ValueError, OSError)
"""How a trial can end in which something is so wrong that it cannot be judged."""

New = Callable[[], Errand]


@dataclass(slots=True)
class Trial:
    """What became of a kill; `met` is the kind of call, or None when there were not so many.

    `waited`: time had to pass until it was sure that a request had not arrived.
    """

    kill: int
    met: str | None = None
    waited: bool = False
    answers: Counter[int] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


class SubmissionBench:
    """Makes services, each with a provider and in a folder of its own, which is removed when nothing was wrong."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._servers = Servers(folder, authority)
        self._authority = authority

    async def steps(self, new: New) -> tuple[list[Seen], int]:
        """The calls of a service that nobody kills before everything is done; how many of them are of its start."""
        folder, errand = self._servers.new_folder(), new()
        async with new_scene(self._servers, self._authority, folder) as scene:
            await errand.begin(scene, before(folder / "calls", scene.data))
        calls = seen(folder / "calls")
        return calls, sum(call.at < errand.begun for call in calls)

    async def try_each(self, new: New, kills: Sequence[int], *, say: Callable[[str], None]) -> list[Trial]:
        """Kill at each of these steps, a few at a time."""

        async def one(kill: int) -> Trial:
            trial = await self._try(new(), kill)
            for found in trial.found:
                say(f"{kill} at {trial.met}: {found.flaw}: {found.what}")
            return trial

        return await a_few_at_once(kills, one, say)

    async def _try(self, errand: Errand, kill: int) -> Trial:
        folder, trial = self._servers.new_folder(), Trial(kill)
        try:
            async with new_scene(self._servers, self._authority, folder) as scene:
                await _judge(scene, errand, trial)
        except UNFIT as error:
            trial.found.append(Found(Flaw.OTHER, f"{type(error).__name__}: {error}"))
        trial.answers = errand.answers
        if not trial.found:
            shutil.rmtree(folder)
        return trial


async def _judge(scene: Scene, errand: Errand, trial: Trial) -> None:
    calls = scene.service.folder / "calls"
    code = await errand.begin(scene, before(calls, scene.data, kill=trial.kill))
    if met := next((call for call in seen(calls) if call.verdict != "go"), None):
        trial.met = met.kind
    if code not in (DONE, SIGKILLED):
        trial.found.append(Found(Flaw.OTHER, f"it ended with {code} before it could be killed"))
    await scene.service.start(prefix=scene.clock.prefix)
    await _call_back_again(scene.provider)

    def later() -> None:
        trial.waited = True
        scene.clock.set(SURE_AFTER)

    await errand.go_on(scene, later)
    trial.found += await judged(scene, errand.orders)


async def _call_back_again(provider: StandIn) -> None:
    """Deliver what was given up while no server was there: how long the provider tries is not what is tried here."""
    for task_id, task in (await provider.ledger()).tasks.items():
        calls = task["callbacks"]
        if task["callback_url_sent"] and calls["done"] and not calls["delivered"]:
            await eventually(partial(_called_back, provider, task_id), what="a callback is taken", every=1)


async def _called_back(provider: StandIn, task_id: str) -> bool | None:
    with suppress(AssertionError):  # a server that has just started may say 503
        await provider.call_back(task_id)
        return True
    return None


def summary(trials: Sequence[Trial], what: str) -> str:
    """One line: how many kills there were, what the requests came to, and how many flaws of each kind."""
    met = sum(trial.met is not None for trial in trials)
    flaws = Counter(found.flaw for trial in trials for found in trial.found)
    answers = sum((trial.answers for trial in trials), Counter[int]())
    told = ", ".join(f"{count} answered {answer}" for answer, count in sorted(answers.items()))
    waited = f"{sum(trial.waited for trial in trials)} times time had to pass"
    return f"{met} {what}, {told}, {waited}: {', '.join(f'{flaws[flaw]} {flaw}' for flaw in Flaw)}"

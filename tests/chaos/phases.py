"""What every run of the chaos suite goes through, whether one process is under test or several."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.judge import Verdict
from tests.chaos.plan import Plan
from tests.system.support.api import Api
from tests.system.support.darkroom import COMMAND, Darkroom, environment
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


@asynccontextmanager
async def weather(*kinds: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have all of it for as long as the block runs."""
    async with asyncio.TaskGroup() as group:
        storm = [group.create_task(one) for one in kinds]
        yield
        for one in storm:
            one.cancel()


async def submit_all(stand_in: StandIn, urls: Sequence[str], plan: Plan, seen: Counter[str]) -> None:
    """Submit everything; ends when all has ended at the provider, callbacks are over, and there were enough kills."""
    for number in range(plan.tasks):
        await stand_in.submit(callback_url=urls[number % len(urls)], n=plan.images(number))
        await asyncio.sleep(1 / plan.rate)

    async def all_called_back() -> bool | None:
        totals = (await stand_in.ledger()).totals
        return totals["callbacks_done"] == totals["tasks"] or None

    async def enough_kills() -> bool | None:
        return seen["kills"] >= plan.kills or None

    await eventually(all_called_back, what="all callbacks are over", within=CALM_WITHIN, every=1.0)
    await eventually(enough_kills, what=f"{plan.kills} kills", within=CALM_WITHIN)


async def until_at_rest(api: Api, plan: Plan, say: Say) -> None:
    """Wait until nothing is left to do; a sidecar whose writer was killed or had no bucket comes within a minute."""
    last: tuple[int, int] | None = None

    async def look() -> bool | None:
        nonlocal last
        tasks = await all_tasks(api)
        unrest = {task["id"]: why for task in tasks if (why := _unrest(task))}
        sidecars = (await api.get("/v1/stats"))["waiting"]["sidecars"]
        left = plan.tasks - len(tasks) + len(unrest), sidecars
        if left != last:
            told = f"{left[0]} of {plan.tasks} are not at rest, {sidecars} sidecars are to be written"
            kinds = {"not known": plan.tasks - len(tasks), **Counter(unrest.values())}
            names = f" ({', '.join(unrest)})" if left[0] < 10 else ""
            say(f"{told}: {', '.join(f'{number} {what}' for what, number in kinds.items() if number)}{names}")
        last = left
        return left == (0, 0) or None

    await eventually(look, what="all tasks are at rest", within=CALM_WITHIN, every=2.0)


def _unrest(task: Any) -> str:
    """Why a task is not at rest: it is not settled, somebody is to be asked of it, its images are not looked at."""
    if not task["settled_at"]:
        return f"{task['status']} and not settled"
    if task["next_check_at"] is not None:
        return "to be asked about"
    archived = [asset for asset in task["assets"] if asset["status"] == "archived"]
    return "" if all(asset["details"] is not None for asset in archived) else "with images not looked at"


async def all_tasks(api: Api) -> list[Any]:
    """Every task with its assets, conflicting ones too."""
    return await api.all("/v1/tasks", conflict="true")


def failed_attempts(tasks: Iterable[Any]) -> int:
    """How often an image was not to be had at once."""
    return sum(max(0, asset["attempts"] - 1) for task in tasks for asset in task["assets"])


async def command(service: Darkroom, outcome: Outcome, *words: str) -> None:
    """Run a command as an operator does; one that does not end well is a complaint."""
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
        told = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        outcome.complaints.append(f"darkroom {' '.join(words)} ended with {done.returncode}: {told}")

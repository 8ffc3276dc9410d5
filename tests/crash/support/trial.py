"""One server that meets one failure, is started again, and is judged; and many of them, a few at a time."""

import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.crash.support.catalog_rows import all_at_rest
from tests.crash.support.door import Seen, before, seen
from tests.crash.support.servers import Servers, a_few_at_once, started
from tests.crash.support.story import SETTINGS, Story
from tests.crash.support.verdict import Flaw, Found, answered_early, ended_well, kept_what_it_had, verified
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.waiting import eventually

SIGKILLED = -9
LEFT = "left"
FIRST_LIFE_RESTS = 5.0
"""Seconds for a server to get over its failure by itself, before it is killed and started again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a server meets: the sync that fails, for so many seconds, or the step that it does not survive.

    With `power_cut`, what was not synced until then does not survive either.
    """

    fail: int = 0
    lasting: float = 0.0
    kill: int = 0
    power_cut: bool = False


@dataclass(slots=True)
class Trial:
    """What became of one failure.

    `met` is the kind of call that it met, or None when there were not so many; `in_archive`: it was about an object.
    Those are the ones for which `verify` is worth its second; files and rows are compared for all.
    """

    failure: Failure
    met: str | None = None
    in_archive: bool = False
    acknowledged: int = 0
    turned_away: int = 0
    found: list[Found] = field(default_factory=list)


class Bench:
    """Makes servers, each in a folder of its own, which is removed when nothing was wrong."""

    def __init__(self, folder: Path, authority: Authority, host: ImageHost) -> None:
        self._servers = Servers(folder, authority)
        self._host = host

    async def steps(self, *, later: bool) -> list[Seen]:
        """The calls of a server that meets no failure, to the end of the story."""
        service = self._new_server()
        try:
            await self._first_life(service, Story(self._host, later=later), Failure(), rest=30)
        finally:
            await service.close()
        return seen(service.folder / "calls")

    async def try_each(self, failures: Sequence[Failure], *, later: bool, say: Callable[[str], None]) -> list[Trial]:
        """Try each failure, a few at a time."""

        async def one(failure: Failure) -> Trial:
            trial = await self._try(failure, later=later)
            for found in trial.found:
                say(f"{failure} at {trial.met}: {found.flaw}: {found.what}")
            return trial

        return await a_few_at_once(failures, one, say)

    async def _try(self, failure: Failure, *, later: bool) -> Trial:
        service, story, trial = self._new_server(), Story(self._host, later=later), Trial(failure)
        try:
            await self._judge(service, story, trial)
        except (AssertionError, httpx.HTTPError, sqlite3.Error, KeyError, ValueError, OSError) as error:
            trial.found.append(Found(Flaw.OTHER, f"{type(error).__name__}: {error}"))
        finally:
            await service.close()
        if not trial.found:
            shutil.rmtree(service.folder)
        return trial

    async def _judge(self, service: Darkroom, story: Story, trial: Trial) -> None:
        code = await self._first_life(service, story, trial.failure, rest=FIRST_LIFE_RESTS)
        calls = seen(service.folder / "calls")
        if met := next((call for call in calls if call.verdict != "go"), None):
            trial.met, trial.in_archive = met.kind, met.paths[-1].startswith("archive/")
        elif trial.failure.power_cut:
            trial.met = "the end of the story"
        statuses = [attempt.status for delivery in story.deliveries for attempt in delivery.attempts]
        trial.acknowledged = sum(status < 300 for status in statuses)
        trial.turned_away = sum(status >= 500 for status in statuses)
        trial.found += answered_early(story, calls)
        if trial.failure.kill and code != SIGKILLED:
            trial.found.append(Found(Flaw.OTHER, f"it ended with {code} before it could be killed"))
        if trial.failure.power_cut:
            await _put_what_is_left(service)
        staged = _staged(service)
        await service.start()
        trial.found += [Found(Flaw.LEFT, name) for name in staged & _staged(service)]
        trial.found += await kept_what_it_had(service, story)
        await story.live(service)
        trial.found += await ended_well(service, story, fetches=2 if trial.failure.kill else 9)
        if trial.in_archive:
            trial.found += await verified(service)

    async def _first_life(self, service: Darkroom, story: Story, failure: Failure, *, rest: float) -> int:
        """From the first start until the server is killed, by the failure or when there is nothing left to wait for."""
        data = Path(service.settings["DATA_DIR"])
        calls, left = service.folder / "calls", service.folder / LEFT if failure.power_cut else None
        door = before(calls, data, fail=failure.fail, lasting=failure.lasting, kill=failure.kill, left=left)
        with suppress(httpx.TransportError):
            if await started(service, door):
                await story.live(service)
                with suppress(AssertionError):
                    await all_at_rest(data, within=rest)
        service.signal(signal.SIGKILL)
        return await service.ended()

    def _new_server(self) -> Darkroom:
        return self._servers.new(self._servers.new_folder(), SETTINGS)


async def _put_what_is_left(service: Darkroom) -> None:
    """Have the data directory be what the power cut left of it."""
    data, left = Path(service.settings["DATA_DIR"]), service.folder / LEFT

    async def look() -> bool | None:
        return left.exists() or None

    await eventually(look, what="what a power cut leaves is made")
    if data.exists():
        data.rename(service.folder / "lost")
    left.rename(data)


def _staged(service: Darkroom) -> set[str]:
    """Unfinished files; none where the archive was not made yet."""
    with suppress(FileNotFoundError):
        return set(service.archive.staged())
    return set()


def summary(trials: Sequence[Trial], what: str) -> str:
    """One line: how many failures there were, and how many flaws of each kind."""
    met = [trial for trial in trials if trial.met is not None]
    counted = Counter(found.flaw for trial in trials for found in trial.found)
    acknowledged, turned_away = sum(trial.acknowledged for trial in met), sum(trial.turned_away for trial in met)
    answers = f"{acknowledged} callbacks acknowledged, {turned_away} answered 5xx"
    return f"{len(met)} {what}, {answers}: {', '.join(f'{counted[flaw]} {flaw}' for flaw in Flaw)}"

"""One round of asking, for people and for cron: look through the account, then ask about all that is due."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from service.catalog.catalog import Catalog
from service.intake.answers import Result
from service.provider.reading import HealthState
from service.reconcile.provider import Provider
from service.reconcile.reconciler import Reconciler
from service.reconcile.sweeper import Ended, Sweeper, Swept

_SILENT = (Result.UNREACHABLE, Result.THROTTLED)


@dataclass(slots=True)
class Round:
    """What came of a round: how questions ended, how many tasks are dead since, and what was and is still due."""

    swept: Swept | None = None
    results: Counter[str] = field(default_factory=Counter)
    dead: int = 0
    due: int = 0
    left: int = 0
    detail: str | None = None

    @property
    def good(self) -> bool:
        """Whether every question was answered and the account looked through."""
        swept_well = self.swept is None or self.swept.ended is not Ended.UNREACHABLE
        return swept_well and not self.left and not any(self.results[result.value] for result in _SILENT)


async def catch_up(
    *,
    catalog: Catalog,
    provider: Provider,
    reconciler: Reconciler,
    sweeper: Sweeper | None,
    progress: Callable[[Round], None] = lambda _: None,
) -> Round:
    """Ask about each due task once; ends early when the provider says nothing any more."""
    done = Round()
    if sweeper is not None:
        done.swept = await sweeper.sweep()
        progress(done)
    done.due = (await catalog.read(lambda tx: tx.checks.waiting())).due
    asked: set[str] = set()
    while reconciler.may_ask():
        batches = await reconciler.claim(1)
        questions = batches[0] if batches else ()
        if not questions or all(one.task_id in asked for one in questions):
            if questions:
                await reconciler.release(questions)
            break
        for one in await reconciler.ask(questions):
            asked.add(one.task_id)
            done.results[one.result.value] += 1
            done.dead += bool(one.deaths)
        progress(done)
        if provider.health.state in (HealthState.DOWN, HealthState.REFUSED):
            break
    done.left = (await catalog.read(lambda tx: tx.checks.waiting())).due
    done.detail = provider.health.detail
    return done

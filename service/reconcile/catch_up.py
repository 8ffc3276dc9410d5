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
    began, done.due = await catalog.read(lambda tx: (tx.now, tx.checks.waiting().due))
    while reconciler.may_ask():
        claimed = await reconciler.claim_due(1, due_by=began)
        if not claimed:
            break
        for one in await reconciler.ask(claimed[0]):
            done.results[one.result.value] += 1
            done.dead += bool(one.deaths)
        progress(done)
        if provider.health.state in (HealthState.DOWN, HealthState.REFUSED):
            break
    done.left = (await catalog.read(lambda tx: tx.checks.waiting(due_by=began))).due
    swept_badly = done.swept is not None and done.swept.ended is Ended.UNREACHABLE
    done.detail = reconciler.last_silence or (done.swept.detail if done.swept and swept_badly else None)
    return done

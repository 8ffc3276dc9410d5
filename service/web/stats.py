"""`GET /v1/stats`: how much there is, what it cost, what was given up, how long until something would be lost."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.catalog.figures import Figures
from service.domain.details import Looked
from service.domain.moment import rfc3339
from service.domain.rules import ConfirmMode, Rules
from service.provider.reading import ProviderHealth
from service.submission.budgets import NO_BUDGETS, Budgets
from service.web.answers.figures import ExpiryDocument, FiguresDocument, StatsDocument, TreatmentDocument, Unasked
from service.web.costs import Asked, cost_document, read_span
from service.web.keys import ApiKeys, Scope


class StatsRoutes:
    """`health` tells how the provider treats us, None where there is no key; `looked`: how far images are looked at."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: Rules,
        key_mark: str,
        health: Callable[[], ProviderHealth | None],
        budgets: Budgets = NO_BUDGETS,
        looked: Looked = Looked.AT_THE_PIXELS,
    ) -> None:
        self._catalog = catalog
        self._rules = rules
        self._key_mark = key_mark
        self._health = health
        self._budgets = budgets
        self._looked = looked

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [keys.route("/v1/stats", GET=(Scope.READ, self.stats))]

    async def stats(self, request: Request) -> Response:
        """Of what there is now; of what it cost in a span of days, by default the last thirty."""
        document = await self._catalog.read(partial(self.document, asked=read_span(request)))
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    def document(self, tx: Transaction, *, asked: Asked) -> StatsDocument:
        """Everything, as of one moment."""
        cost = cost_document(tx, asked, self._budgets)  # first: it may refuse what was asked for
        figures, waiting, checks = tx.figures.count(), tx.work.waiting(), tx.checks.waiting()
        return {
            "at": rfc3339(tx.now),
            **_counts(figures),
            "next_expiry": _expiry(waiting.next_expiry, tx.now),
            "waiting": {
                "tasks": waiting.tasks,
                "assets": waiting.assets,
                "sidecars": waiting.sidecars,
                "details": tx.details.waiting(wanted=self._looked),
            },
            "provider": {
                "confirm_mode": self._rules.mode,
                "questions": {"planned": checks.planned, "due": checks.due, "next_at": rfc3339(checks.next_at)},
                **self._provider(tx),
            },
            "cost": cost,
        }

    def _provider(self, tx: Transaction) -> TreatmentDocument:
        health = self._health()
        if health is None:
            others_ask = self._rules.mode is not ConfirmMode.OFF
            state = Unasked.BY_OTHERS if others_ask else Unasked.NO_KEY
            return {"state": state, "since": None, "detail": None, "key_first_worked_at": None}
        return {
            "state": health.state,
            "since": rfc3339(health.since),
            "detail": health.detail,
            "key_first_worked_at": rfc3339(tx.marks.get(self._key_mark)),
        }


def _counts(figures: Figures) -> FiguresDocument:
    return {
        "tasks": dict(figures.tasks),
        "assets": dict(figures.assets),
        "bytes": figures.archived_bytes,
        "dead": {"tasks": dict(figures.dead_tasks), "assets": dict(figures.dead_assets)},
        "unconfirmed": figures.unconfirmed,
        "conflicts": figures.conflicts,
    }


def _expiry(at: datetime | None, now: datetime) -> ExpiryDocument | None:
    """The first link that would be lost: when, and in how many seconds; None when nothing waits."""
    return {"at": rfc3339(at), "seconds": round((at - now).total_seconds(), 3)} if at is not None else None

"""What was spent, as JSON: in all, day by day, by model, by key and by tag, and how the budgets stand."""

from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request

from service.catalog.catalog import Transaction
from service.catalog.spending import Sums
from service.domain.budget import BudgetUse, shown_usd
from service.domain.subject import ALL, Kind
from service.errors import Invalid
from service.submission.budgets import Budgets
from service.web.answers.figures import BudgetDocument, CostsDocument, SumsDocument
from service.web.parameters import Day, Parameter, read_parameters

USUAL_DAYS, MOST_DAYS = 30, 366
MOST_SUBJECTS = 100
"""Models, keys and tags that are told of, each: the dearest."""

SPAN_PARAMETERS = (
    Parameter("since", "The first day; thirty days by default.", Day(), code="invalid_day", example="2026-05-01"),
    Parameter("until", "The last day; today by default.", Day(), code="invalid_day", example="2026-05-31"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The span of days that was asked for, both ends included; None where it was left to us."""

    since: date | None = None
    until: date | None = None

    def span(self, today: date) -> tuple[date, date]:
        """The first day and the last; raises Invalid where that is no span, or too long a one."""
        until = self.until if self.until is not None else today
        usual = date.fromordinal(max(until.toordinal() - USUAL_DAYS + 1, 1))
        since = self.since if self.since is not None else usual
        if since > until:
            raise Invalid("invalid_span", f"since ({since}) is after until ({until})")
        if (until - since).days >= MOST_DAYS:
            raise Invalid("invalid_span", f"from {since} to {until} are more than {MOST_DAYS} days")
        return since, until


def read_span(request: Request) -> Asked:
    """The query's `since` and `until`; raises Invalid that names what is wrong."""
    given = read_parameters(request, SPAN_PARAMETERS, of="this")
    return Asked(given.get("since"), given.get("until"))


def cost_document(tx: Transaction, asked: Asked, budgets: Budgets) -> CostsDocument:
    """What was spent in the days that were asked for, and how the budgets stand today."""
    today = tx.now.date()
    since, until = asked.span(today)
    by_day = tx.spending.by_day(ALL, since, until)
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    total = sum(by_day.values(), start=Sums())
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "total": {**_sums(total), "reserved_usd": shown_usd(total.reserved)},
        "days": [{"day": day.isoformat(), **_sums(by_day.get(day, Sums()))} for day in days],
        "models": _by_subject(tx, Kind.MODEL, since, until),
        "keys": _by_subject(tx, Kind.KEY, since, until),
        "tags": _by_subject(tx, Kind.TAG, since, until),
        "budgets": [_budget(use) for use in budgets.look(tx, today)],
    }


def _by_subject(tx: Transaction, kind: Kind, since: date, until: date) -> dict[str, SumsDocument]:
    dearest = tx.spending.by_subject(kind, since, until, MOST_SUBJECTS)
    return {subject.removeprefix(kind.prefix): _sums(sums) for subject, sums in dearest}


def _sums(sums: Sums) -> SumsDocument:
    return {"usd": shown_usd(sums.charged), "tasks": sums.tasks, "images": sums.images}


def _budget(use: BudgetUse) -> BudgetDocument:
    budget = use.budget
    return {
        "name": budget.name,
        "subject": budget.subject,
        "per": budget.period,
        "since": use.since.isoformat(),
        "begins_anew": use.begins_anew.isoformat(),
        "warn_usd": shown_usd(budget.warn) if budget.warn is not None else None,
        "stop_usd": shown_usd(budget.stop) if budget.stop is not None else None,
        "spent_usd": shown_usd(use.charged),
        "reserved_usd": shown_usd(use.reserved),
        "state": use.verdict(),
    }

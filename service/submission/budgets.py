"""Whether what is asked for may still be spent. It must not reserve: who asks has done so, in the same transaction."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from service.catalog.catalog import Transaction
from service.domain.budget import Budget, BudgetUse, Verdict, first_day, shown_usd
from service.errors import Refused


class BudgetSpent(Refused):
    """A budget's hard stop would be passed. `use` is how it stands without what was asked for, in nano US dollars."""

    def __init__(self, use: BudgetUse, asked: int) -> None:
        super().__init__("budget_spent", _refusal(use, asked))
        self.use = use
        self.asked = asked


class Budgets:
    """All that is budgeted."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self._budgets = tuple(budgets)

    def admit(self, tx: Transaction, *, subjects: Collection[str], nano: int, now: datetime) -> tuple[str, ...]:
        """Let so much be spent that was just reserved, with a sentence for each budget that warns.

        The reservation holds the locks that make this safe beside others (see `Spending.reserve`). What has no known
        price asks for 0. Raises BudgetSpent, so that the reservation goes with the transaction.
        """
        warnings = []
        for budget in self._budgets:
            if budget.subject not in subjects:
                continue
            with_this = _use(tx, budget, now.date())
            use = BudgetUse(budget, with_this.since, with_this.charged, with_this.reserved - nano)
            verdict = use.verdict(nano)
            if verdict is Verdict.STOPPED:
                raise BudgetSpent(use, nano)
            if verdict is Verdict.WARNED:
                warnings.append(_warning(with_this))
        return tuple(warnings)

    def look(self, tx: Transaction, today: date) -> list[BudgetUse]:
        """How each of them stands."""
        return [_use(tx, budget, today) for budget in self._budgets]


NO_BUDGETS = Budgets(())


def _use(tx: Transaction, budget: Budget, today: date) -> BudgetUse:
    since = first_day(budget.period, today)
    sums = tx.spending.spent(budget.subject, since, today)
    return BudgetUse(budget, since, sums.charged, sums.reserved)


def _refusal(use: BudgetUse, asked: int) -> str:
    budget = use.budget
    wanted = f", and this may cost {_usd(asked)}" if asked else ""
    return (
        f"the budget {budget.name} of {_usd(budget.stop or 0)} a {budget.period.value} has {_usd(use.spent)} spent"
        f"{wanted}; it begins anew on {use.begins_anew.isoformat()} (UTC)"
    )


def _warning(use: BudgetUse) -> str:
    budget = use.budget
    limit = f" of {_usd(budget.stop)}" if budget.stop is not None else ""
    return f"the budget {budget.name} has {_usd(use.spent)}{limit} spent this {budget.period.value}"


def _usd(nano: int) -> str:
    return f"{shown_usd(nano):.6f}".rstrip("0").rstrip(".") + " USD"

"""What may be spent, and whether a submission still may. Pure; amounts are nano US dollars, days are UTC."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from service.domain import subject

NANO = 10**9
"""Nano US dollars of a dollar."""

_SHOWN = 1000
"""Nano US dollars of the smallest amount that people are shown: the sixth decimal."""


class Period(StrEnum):
    """How long a budget lasts."""

    DAY = "day"
    MONTH = "month"


class Verdict(StrEnum):
    """How a budget stands."""

    WITHIN = "ok"
    WARNED = "warn"
    STOPPED = "stop"


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is held back for a submission until it is known what it cost: for whom, on which day, how much."""

    subjects: tuple[str, ...]
    day: date
    nano: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What a subject may spend in a period: a warning from an amount on, and nothing beyond another."""

    name: str
    subject: str
    period: Period
    warn: int | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How much of a budget is used since its period began."""

    budget: Budget
    since: date
    charged: int
    reserved: int

    @property
    def spent(self) -> int:
        """What is reserved counts as spent until it is known what it cost."""
        return self.charged + self.reserved

    @property
    def begins_anew(self) -> date:
        return next_first_day(self.budget.period, self.since)

    def verdict(self, asked: int = 0) -> Verdict:
        """How it would stand after so much more."""
        return judge(self.budget, self.spent, asked)


def budget_of(
    name: str, *, key: str | None, tag: str | None, per: Period, warn_usd: Decimal | None, stop_usd: Decimal | None
) -> Budget:
    """The budget of a key by its name, of a tag as `name=value`, or of all; amounts in dollars."""
    whose = subject.ALL
    if key is not None:
        whose = subject.of_key(key)
    elif tag is not None:
        whose = subject.of_tag(tag)
    warn, stop = (nano_of(usd) if usd is not None else None for usd in (warn_usd, stop_usd))
    return Budget(name, whose, per, warn, stop)


def judge(budget: Budget, spent: int, asked: int) -> Verdict:
    """Whether so much more may be spent. Nothing more may where all is, even of what has no known price."""
    if budget.stop is not None and (spent >= budget.stop or spent + asked > budget.stop):
        return Verdict.STOPPED
    if budget.warn is not None and spent + asked >= budget.warn:
        return Verdict.WARNED
    return Verdict.WITHIN


def first_day(period: Period, today: date) -> date:
    """When the period that a day is in began."""
    match period:
        case Period.DAY:
            return today
        case Period.MONTH:
            return today.replace(day=1)
        case _:
            assert_never(period)


def next_first_day(period: Period, today: date) -> date:
    """When the period after the one that a day is in begins."""
    match period:
        case Period.DAY:
            return today + timedelta(days=1)
        case Period.MONTH:
            return (today.replace(day=1) + timedelta(days=31)).replace(day=1)
        case _:
            assert_never(period)


def nano_of(usd: Decimal) -> int:
    """Dollars in nano US dollars; what is smaller is left out."""
    return int(usd * NANO)


def shown_usd(nano: int) -> float:
    """Nano US dollars in dollars, rounded to six decimals."""
    return (nano + _SHOWN // 2) // _SHOWN / (NANO // _SHOWN)

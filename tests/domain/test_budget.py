"""Budgets: when they warn, when they stop, when they begin anew, and amounts that are never off by a rounding."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.budget import (
    NANO,
    Budget,
    BudgetUse,
    Period,
    Verdict,
    budget_of,
    first_day,
    judge,
    nano_of,
    next_first_day,
    shown_usd,
)

DAYS = st.dates(date(2000, 1, 1), date(2999, 12, 31))
AMOUNTS = st.integers(0, 100)


def budget(*, warn: int | None = None, stop: int | None = None, per: Period = Period.DAY) -> Budget:
    return Budget("team", "all", per, warn, stop)


@pytest.mark.parametrize(
    ("spent", "asked", "verdict"),
    [
        (0, 79, Verdict.WITHIN),
        (0, 80, Verdict.WARNED),
        (79, 0, Verdict.WITHIN),
        (80, 0, Verdict.WARNED),
        (0, 100, Verdict.WARNED),
        (99, 1, Verdict.WARNED),
        (99, 0, Verdict.WARNED),
        (0, 101, Verdict.STOPPED),
        (99, 2, Verdict.STOPPED),
        (100, 0, Verdict.STOPPED),
        (150, 0, Verdict.STOPPED),
    ],
)
def test_a_budget_warns_from_one_amount_on_and_stops_what_would_pass_another(
    spent: int, asked: int, verdict: Verdict
) -> None:
    assert judge(budget(warn=80, stop=100), spent, asked) is verdict


def test_a_budget_that_only_warns_stops_nothing_and_one_that_only_stops_warns_of_nothing() -> None:
    assert judge(budget(warn=80), 10**15, 10**15) is Verdict.WARNED
    assert judge(budget(stop=100), 99, 1) is Verdict.WITHIN


def test_a_budget_of_nothing_lets_nothing_through_not_even_what_has_no_known_price() -> None:
    assert judge(budget(stop=0), 0, 0) is Verdict.STOPPED


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_what_is_let_through_never_goes_beyond_the_stop(warn: int, stop: int, spent: int, asked: int) -> None:
    if judge(budget(warn=warn, stop=stop), spent, asked) is not Verdict.STOPPED:
        assert spent + asked <= stop


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_who_asks_for_less_is_never_worse_off(warn: int, stop: int, spent: int, asked: int, less: int) -> None:
    order = list(Verdict)
    of = budget(warn=warn, stop=stop)
    assert order.index(judge(of, spent, min(asked, less))) <= order.index(judge(of, spent, asked))


@pytest.mark.parametrize(
    ("period", "today", "first", "anew"),
    [
        (Period.DAY, "2026-05-31", "2026-05-31", "2026-06-01"),
        (Period.DAY, "2024-02-28", "2024-02-28", "2024-02-29"),
        (Period.MONTH, "2026-05-31", "2026-05-01", "2026-06-01"),
        (Period.MONTH, "2026-05-01", "2026-05-01", "2026-06-01"),
        (Period.MONTH, "2026-12-31", "2026-12-01", "2027-01-01"),
        (Period.MONTH, "2024-02-29", "2024-02-01", "2024-03-01"),
        (Period.MONTH, "2026-02-01", "2026-02-01", "2026-03-01"),
    ],
)
def test_periods_begin_at_midnight_and_on_the_first_of_the_month(
    period: Period, today: str, first: str, anew: str
) -> None:
    day = date.fromisoformat(today)
    assert (first_day(period, day).isoformat(), next_first_day(period, day).isoformat()) == (first, anew)


@given(st.sampled_from(Period), DAYS)
def test_each_day_is_in_one_period_and_each_period_follows_the_one_before(period: Period, day: date) -> None:
    anew = next_first_day(period, day)
    assert first_day(period, day) <= day < anew
    assert first_day(period, anew) == anew
    assert first_day(period, date.fromordinal(anew.toordinal() - 1)) == first_day(period, day)


def test_a_budget_is_of_a_key_of_a_tag_or_of_all() -> None:
    amounts = {"per": Period.MONTH, "warn_usd": Decimal("80.5"), "stop_usd": None}
    made = [
        budget_of("x", key=key, tag=tag, **amounts)  # type: ignore[arg-type]
        for key, tag in (("me", None), (None, "team=a"), (None, None))
    ]
    assert [one.subject for one in made] == ["key:me", "tag:team=a", "all"]
    assert (made[0].warn, made[0].stop, made[0].period) == (80_500_000_000, None, Period.MONTH)


def test_what_is_reserved_counts_as_spent() -> None:
    use = BudgetUse(budget(stop=100, per=Period.MONTH), date(2026, 12, 1), charged=60, reserved=30)
    assert (use.spent, use.begins_anew) == (90, date(2027, 1, 1))
    assert (use.verdict(10), use.verdict(11)) == (Verdict.WITHIN, Verdict.STOPPED)


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        *((0, "0.0"), (1, "0.0"), (499, "0.0"), (500, "1e-06"), (15_000_000, "0.015"), (NANO, "1.0")),
        *((261_640_940_153_910_484, "261640940.15391"), (89_419_872_308_146_005_777, "89419872308.14601")),
    ],
)
def test_dollars_are_shown_with_six_decimals(nano: int, shown: str) -> None:
    assert str(shown_usd(nano)) == shown


@given(st.integers(0, 10**18))
def test_an_amount_is_shown_as_exactly_as_a_number_can(nano: int) -> None:
    micro = Decimal(nano + 500) // 1000
    assert shown_usd(nano) == float(micro / 10**6)


@given(st.decimals(0, 10**6, places=9))
def test_dollars_are_kept_to_the_ninth_decimal(usd: Decimal) -> None:
    assert Decimal(nano_of(usd)) / NANO == usd


def test_a_budget_has_its_name_and_both_amounts() -> None:
    made = budget_of("team", key=None, tag=None, per=Period.DAY, warn_usd=Decimal(1), stop_usd=Decimal(2))
    assert made == Budget("team", "all", Period.DAY, NANO, 2 * NANO)


def test_how_a_budget_stands_is_asked_of_nothing_more() -> None:
    assert BudgetUse(budget(warn=80), date(2026, 12, 1), charged=79, reserved=0).verdict() is Verdict.WITHIN

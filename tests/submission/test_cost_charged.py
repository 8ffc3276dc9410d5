"""What a task did cost, by the usage that the provider reports, whatever stands in that."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.submission.cost import Charge, ChargeBasis, charge, charge_document
from service.submission.price_list import Prices, load_prices
from tests.submission.asking import BETA, MODEL

DAY = date(2026, 5, 1)
PRICES = load_prices()
KINDS = ("image_output", "image_input", "image_cached_input", "text_input", "text_cached_input")
COUNTS = [f"{kind}_tokens" for kind in KINDS]
TOKENS = {"image_output_tokens": 1000, "text_input_tokens": 1000}

HOSTILE = [
    *("1.5", "", "NaN", [], {}, [1], {"sum": 1}, True, False, float("nan"), float("inf"), float("-inf")),
    *(-1, -0.001, -(10**400), 10**400, 1e300, 10**15),
]
"""What is no amount; JSON cannot say all of it, but what reads JSON can."""


def charged(usage: object, model: str | None = MODEL) -> Charge | None:
    return charge(model, usage, PRICES, day=DAY)


def good(usage: object, model: str | None = MODEL) -> Charge:
    made = charged(usage, model)
    assert made is not None
    return made


@pytest.mark.parametrize("model", [MODEL, BETA, "gpt-4o-image", None])
def test_the_reported_cost_is_the_cost_whatever_else_is_reported(model: str | None) -> None:
    usage = {"credits_used": 99, **TOKENS, "cost": {"credits": 1.734, "usd": 0.0255}}
    assert good(usage, model) == Charge(25_500_000, Decimal("1.734"), ChargeBasis.REPORTED_COST)


def test_of_credits_and_dollars_one_follows_from_the_other() -> None:
    assert good({"cost": {"credits": 68}}) == Charge(10**9, Decimal(68), ChargeBasis.REPORTED_COST)
    assert good({"cost": {"usd": 0.5}}) == Charge(5 * 10**8, Decimal(34), ChargeBasis.REPORTED_COST)


def test_where_both_are_told_neither_is_corrected() -> None:
    assert good({"cost": {"credits": 1.734, "usd": 0.025}}) == Charge(
        25_000_000, Decimal("1.734"), ChargeBasis.REPORTED_COST
    )


@pytest.mark.parametrize("model", [MODEL, BETA, "gpt-4o-image", None])
@pytest.mark.parametrize(
    ("credits", "nano_usd"),
    [(0, 0), (68, 10**9), (1.02, 15_000_000), (1.734, 25_500_000), (2.652, 39_000_000), (0.0765, 1_125_000), (-0.0, 0)],
)
def test_reported_credits_are_dollars_at_68_to_one(model: str | None, credits: float, nano_usd: int) -> None:
    made = good({"credits_used": credits, **TOKENS}, model)
    assert made == Charge(nano_usd, Decimal(str(credits)), ChargeBasis.REPORTED_CREDITS)
    assert str(charge_document(made)["credits"]) == str(abs(float(credits)))


def test_tokens_count_where_nothing_else_is_reported() -> None:
    made = good({"image_output_tokens": 1056, "image_input_tokens": 323, "text_input_tokens": 25, "total_tokens": 1404})
    assert made.credits * 1000 == Decimal("1.836") * 1056 + Decimal("0.4896") * 323 + Decimal("0.306") * 25
    assert made.nano_usd == 27_000 * 1056 + 7_200 * 323 + 4_500 * 25
    assert made.basis is ChargeBasis.TOKENS


def test_cached_tokens_are_a_part_of_the_input_where_they_can_be() -> None:
    some = good({"text_input_tokens": 1000, "text_cached_input_tokens": 400, "image_output_tokens": 0})
    assert some.nano_usd == 600 * 4_500 + 400 * 1_125
    every = good({"image_input_tokens": 1000, "image_cached_input_tokens": 1000})
    assert every.nano_usd == 1000 * 1_800


def test_cached_tokens_that_are_more_than_the_input_stand_beside_it() -> None:
    made = good({"image_input_tokens": 100, "image_cached_input_tokens": 101})
    assert made.nano_usd == 100 * 7_200 + 101 * 1_800


@pytest.mark.parametrize(
    "usage",
    [
        *(None, [], "free", 7, {}, {"cost": None}, {"cost": {}}, {"cost": 5}, {"cost": [1]}, {"total_tokens": 1404}),
        {"billing_rule": "per_call", "credits_reserved": 1.02, "user_group": "default"},
        {"billing": {"charge_status": "charged"}, "refund": 1},
        dict.fromkeys(COUNTS),
    ],
)
def test_a_usage_that_reports_nothing_usable_is_no_charge(usage: object) -> None:
    assert charged(usage) is None


def test_tokens_of_a_model_that_is_not_billed_by_them_are_no_charge() -> None:
    assert [charged(TOKENS, model) for model in (BETA, "gpt-4o-image", None)] == [None, None, None]
    assert charge(MODEL, {"credits_used": 1}, Prices(()), day=DAY) is None


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_what_is_no_amount_counts_nowhere(value: object) -> None:
    assert charged({"credits_used": value}) is None
    assert charged({"cost": {"credits": value, "usd": value}}) is None
    assert good({"cost": {"credits": value, "usd": 1}}).credits == 68
    assert good({"cost": {"credits": 68, "usd": value}}).nano_usd == 10**9
    assert good({"cost": {"usd": value}, "credits_used": 68}).basis is ChargeBasis.REPORTED_CREDITS
    assert good({"cost": value, "credits_used": value, **TOKENS}).basis is ChargeBasis.TOKENS


@pytest.mark.parametrize("value", [*HOSTILE, 1.0, 1.5], ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("count", COUNTS)
def test_one_count_that_is_none_spoils_the_others_since_a_part_would_be_too_little(count: str, value: object) -> None:
    assert charged({**TOKENS, count: value}) is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([10**400, -(10**400)]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["credits", "usd"]), inner, max_size=2),
    max_leaves=4,
)
USAGES = VALUES | st.dictionaries(
    st.sampled_from(["cost", "credits_used", "credits", *COUNTS]) | st.text(max_size=3), VALUES
)


@given(st.sampled_from([MODEL, BETA, "gpt-4o-image", None]), USAGES)
@example(MODEL, {"cost": {"credits": 5e-324, "usd": float("nan")}})
@example(MODEL, dict.fromkeys(COUNTS, 10**9))
def test_whatever_is_reported_is_a_charge_within_reason_or_none(model: str | None, usage: Any) -> None:
    made = charged(usage, model)
    if made is not None:
        assert isinstance(made.nano_usd, int)
        assert 0 <= made.nano_usd < 2**63 // 1000
        assert made.credits >= 0
        document = json.loads(json.dumps(charge_document(made), allow_nan=False))
        assert set(document) == {"usd", "credits", "basis"}


def test_a_charge_in_json_has_numbers_that_can_be_added() -> None:
    made = good({"credits_used": 1.734})
    assert charge_document(made) == {"usd": 0.0255, "credits": 1.734, "basis": "reported_credits"}

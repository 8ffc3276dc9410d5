"""What is asked for and what it costs, against the published prices."""

import dataclasses
import json
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.submission.cost import (
    ChargeBasis,
    Estimate,
    EstimateBasis,
    Tokens,
    charge,
    estimate,
    estimate_document,
    estimated_nano,
    expected_tokens,
)
from service.submission.price import PerToken
from service.submission.price_list import Prices, load_prices
from tests.submission.asking import BETA, IMAGE, MODEL, a_request

DAY = date(2026, 5, 1)
PRICES = load_prices()
CENT = 10**7

PER_IMAGE = {"1K": ("0.015", "1.02"), "2K": ("0.025", "1.734"), "4K": ("0.039", "2.652")}
PER_1000_TOKENS = {
    "image_output": ("0.027", "1.836"),
    "image_input": ("0.0072", "0.4896"),
    "image_cached_input": ("0.0018", "0.1224"),
    "text_input": ("0.0045", "0.306"),
    "text_cached_input": ("0.0011", "0.0765"),
}
"""Dollars and credits as the provider publishes them."""


def estimated(prices: Prices = PRICES, day: date = DAY, **fields: Any) -> Estimate:
    made = estimate(a_request(**fields), prices, day=day)
    assert made is not None
    return made


def as_printed(nano_usd: int, like: str) -> str:
    """Dollars with as many decimals as the provider prints: it cuts the rest off."""
    return str((Decimal(nano_usd) / 10**9).quantize(Decimal(like), ROUND_DOWN))


def is_68_to_the_dollar(nano_usd: int, credits: Decimal) -> bool:
    return nano_usd * 68 == credits * 10**9


@pytest.mark.parametrize(("resolution", "price"), PER_IMAGE.items())
def test_an_image_of_the_beta_model_costs_the_published_price(resolution: str, price: tuple[str, str]) -> None:
    made = estimated(model=BETA, size="16:9", resolution=resolution)
    usd, credits = price
    assert made.credits == Decimal(credits)
    assert as_printed(made.nano_usd, usd) == usd
    assert abs(made.nano_usd - Decimal(usd) * 10**9) < CENT / 10
    assert is_68_to_the_dollar(made.nano_usd, made.credits)
    assert (made.basis, made.exact, made.prices_from) == (EstimateBasis.PER_IMAGE, True, date(2026, 1, 1))


@pytest.mark.parametrize(("kind", "price"), PER_1000_TOKENS.items())
def test_a_thousand_tokens_of_a_kind_cost_the_published_price(kind: str, price: tuple[str, str]) -> None:
    made = charge(MODEL, {f"{kind}_tokens": 1000}, PRICES, day=DAY)
    usd, credits = price
    assert made is not None
    assert made.credits == Decimal(credits)
    assert as_printed(made.nano_usd, usd) == usd
    assert is_68_to_the_dollar(made.nano_usd, made.credits)
    assert made.basis is ChargeBasis.TOKENS


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({}, "1K"),
        ({"size": "auto"}, "1K"),
        ({"size": "1:1"}, "1K"),
        ({"size": "21:9", "resolution": "2K"}, "2K"),
        ({"size": "1024x640"}, "1K"),
        ({"size": "1664x1008"}, "1K"),  # 1,677,312 pixels
        ({"size": "1312x1296"}, "2K"),  # 1,700,352: a little above 1.7 million
        ({"size": "2048x2048"}, "2K"),
        ({"size": "2096x2096"}, "2K"),  # 4,393,216
        ({"size": "2112x2096"}, "4K"),  # 4,426,752
        ({"size": "3840x2160"}, "4K"),
    ],
)
def test_the_tier_follows_from_the_size(fields: dict[str, Any], tier: str) -> None:
    assert estimated(model=BETA, **fields).credits == Decimal(PER_IMAGE[tier][1])


def test_every_explicit_size_is_billed_by_its_pixels() -> None:
    for width in range(1024, 2400, 112):
        for height in range(1024, 2400, 16):
            pixels = width * height
            tier = "1K" if pixels <= 1_700_000 else "2K" if pixels <= 4_400_000 else "4K"
            made = estimated(model=BETA, size=f"{width}x{height}")
            assert made.credits == Decimal(PER_IMAGE[tier][1]), (width, height)


def test_limits_of_pixels_belong_to_the_lower_tier() -> None:
    price = PRICES.lists[0].models[BETA]
    assert not isinstance(price, PerToken)
    found = [str(price.of_pixels(pixels).credits) for pixels in (1, 1_700_000, 1_700_001, 4_400_000, 4_400_001, 10**8)]
    assert found == ["1.02", "1.02", "1.734", "1.734", "2.652", "2.652"]


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"prompt": "x" * 400}, Tokens(image_output=1056, image_input=0, text_input=100)),
        ({"prompt": "狐"}, Tokens(1056, 0, 1)),
        ({"prompt": "x" * 400, "n": 10}, Tokens(10560, 0, 100)),
        ({"prompt": "x" * 400, "quality": "low"}, Tokens(272, 0, 100)),
        ({"prompt": "x" * 400, "quality": "high", "size": "2048x2048"}, Tokens(4 * 4160, 0, 100)),
        ({"prompt": "x" * 400, "size": "1:1", "resolution": "2K"}, Tokens(4 * 1056, 0, 100)),
        ({"prompt": "x" * 400, "n": 2, "image_urls": [IMAGE] * 3}, Tokens(2112, 3 * 323, 100)),
    ],
)
def test_a_model_billed_by_token_is_estimated_by_the_assumed_tokens(fields: dict[str, Any], tokens: Tokens) -> None:
    price = PRICES.lists[0].models[MODEL]
    assert isinstance(price, PerToken)
    assert expected_tokens(a_request(**fields), price) == tokens
    made = estimated(**fields)
    output, inputs, text = (Decimal(PER_1000_TOKENS[kind][1]) for kind in ("image_output", "image_input", "text_input"))
    expected = tokens.image_output * output + tokens.image_input * inputs + tokens.text_input * text
    assert made.credits * 1000 == expected
    assert is_68_to_the_dollar(made.nano_usd, made.credits)
    assert (made.basis, made.exact) == (EstimateBasis.TOKENS, False)


@given(st.integers(1, 9), st.sampled_from(["low", "medium", "high"]), st.sampled_from(["auto", "1:3", "3840x2160"]))
def test_one_image_more_costs_as_much_as_any_other(n: int, quality: str, size: str) -> None:
    one, two, some, more = (estimated(n=count, quality=quality, size=size).nano_usd for count in (1, 2, n, n + 1))
    assert more - some == two - one > 0


def test_a_model_without_a_price_is_not_estimated() -> None:
    assert estimate(a_request(other_models=True, model="gpt-4o-image"), PRICES, day=DAY) is None
    assert estimate(a_request(), Prices(()), day=DAY) is None


def test_a_price_for_another_model_is_used_once_there_is_one() -> None:
    listed = dataclasses.replace(PRICES.lists[0], models={"gpt-4o-image": PRICES.lists[0].models[BETA]})
    cases: list[tuple[dict[str, Any], Decimal]] = [
        ({"n": 3, "size": "1:1", "resolution": "4K"}, 3 * Decimal("2.652")),
        ({"size": "auto", "resolution": "4K"}, Decimal("1.02")),
        ({"size": "1024x1024", "resolution": "4K"}, Decimal("1.02")),
    ]
    for fields, credits in cases:
        request = a_request(other_models=True, model="gpt-4o-image", **fields)
        made = estimate(request, Prices((listed,)), day=DAY)
        assert made is not None
        assert made.credits == credits


def test_the_prices_of_the_day_count() -> None:
    first, cheaper = PRICES.lists[0], dataclasses.replace(PRICES.lists[0], since=DAY, credits_per_dollar=Decimal(136))
    prices = Prices((first, cheaper))
    before = estimated(prices, DAY - timedelta(days=1), model=BETA)
    after = estimated(prices, DAY, model=BETA)
    assert (before.nano_usd, after.nano_usd) == (15 * CENT // 10, 75 * CENT // 100)
    assert (before.prices_from, after.prices_from) == (first.since, DAY)


def test_an_estimate_in_json_has_numbers_that_can_be_added() -> None:
    assert estimate_document(estimated(model=BETA, size="1:1", resolution="2K")) == {
        "usd": 0.0255,
        "credits": 1.734,
        "basis": "per_image",
        "exact": True,
        "prices_from": "2026-01-01",
    }
    assert estimate_document(estimated())["basis"] == "tokens"


@given(st.integers(0, 10**13), st.decimals(0, 10**6, places=4))
def test_an_estimate_comes_back_from_json_to_the_nano_dollar(nano_usd: int, credits: Decimal) -> None:
    made = Estimate(nano_usd, credits, EstimateBasis.TOKENS, DAY)
    assert estimated_nano(json.loads(json.dumps(estimate_document(made)))) == nano_usd


@pytest.mark.parametrize(
    "document", [{}, {"usd": None}, {"usd": "0.02"}, {"usd": float("nan")}, {"usd": -1}, {"usd": True}]
)
def test_an_estimate_that_does_not_tell_counts_nothing(document: dict[str, Any]) -> None:
    assert estimated_nano(document) == 0

from datetime import date
from typing import Any

import pytest

from service.simulator.billing import charged, not_charged, reserved
from service.submission.cost import charge, estimate
from service.submission.price_list import load_prices
from tests.simulator.making import a_submission

DAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("fields", "credits"),
    [
        ({}, 1.02),
        ({"size": "1:1"}, 1.02),
        ({"size": "16:9", "resolution": "2K"}, 1.734),
        ({"size": "16:9", "resolution": "4K"}, 2.652),
        ({"size": "3840x2160"}, 2.652),
    ],
)
def test_the_beta_model_costs_its_price_per_image(fields: dict[str, str], credits: float) -> None:
    submission = a_submission(model="gpt-image-2-beta", **fields)
    assert reserved(submission, day=DAY) == {
        "billing_rule": "per_call",
        "credits_reserved": credits,
        "user_group": "default",
    }
    assert charged(submission, day=DAY)["credits_used"] == credits


def test_the_other_model_reports_tokens_that_add_up_to_the_charge() -> None:
    usage = charged(a_submission(n=2, size="1:1", image_urls=["https://pictures.example/a.png"]), day=DAY)
    tokens = usage["text_input_tokens"] + usage["image_input_tokens"] + usage["image_output_tokens"]
    assert usage["total_tokens"] == tokens
    price = usage["image_output_tokens"] * 1.836 + usage["image_input_tokens"] * 0.4896
    assert usage["credits_used"] == pytest.approx((price + usage["text_input_tokens"] * 0.306) / 1000, abs=1e-4)
    assert usage["cost"]["usd"] == pytest.approx(usage["credits_used"] / 68, abs=1e-6)


def test_more_quality_and_more_images_cost_more() -> None:
    low, high, two = (
        charged(a_submission(**one), day=DAY)["credits_used"]
        for one in ({"quality": "low"}, {"quality": "high"}, {"quality": "high", "n": 2})
    )
    assert low < high < two


def test_what_did_not_complete_costs_nothing() -> None:
    assert not_charged() == {"credits_used": 0}


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gpt-image-2-beta", "size": "1:1", "resolution": "2K"},
        {"n": 3, "quality": "high", "size": "3840x2160", "image_urls": ["https://pictures.example/a.png"]},
    ],
)
def test_what_it_charges_is_what_the_same_prices_estimate(fields: dict[str, Any]) -> None:
    submission, prices = a_submission(**fields), load_prices()
    expected = estimate(submission.request, prices, day=DAY)
    usage = charged(submission, day=DAY)
    tokens_alone = {name: value for name, value in usage.items() if name.endswith("_tokens")}
    for reported in (usage, {"credits_used": usage["credits_used"]}, tokens_alone or usage):
        made = charge(submission.request.model, reported, prices, day=DAY)
        assert expected is not None
        assert made is not None
        assert (made.nano_usd, made.credits) == (expected.nano_usd, expected.credits)

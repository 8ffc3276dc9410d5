import pytest

from service.simulator.billing import charged, not_charged, reserved
from tests.simulator.making import a_submission


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
    assert reserved(submission) == {"billing_rule": "per_call", "credits_reserved": credits, "user_group": "default"}
    assert charged(submission)["credits_used"] == credits


def test_the_other_model_reports_tokens_that_add_up_to_the_charge() -> None:
    usage = charged(a_submission(n=2, size="1:1", image_urls=["https://pictures.example/a.png"]))
    tokens = usage["text_input_tokens"] + usage["image_input_tokens"] + usage["image_output_tokens"]
    assert usage["total_tokens"] == tokens
    price = usage["image_output_tokens"] * 1.836 + usage["image_input_tokens"] * 0.4896
    assert usage["credits_used"] == pytest.approx((price + usage["text_input_tokens"] * 0.306) / 1000, abs=1e-4)
    assert usage["cost"]["usd"] == pytest.approx(usage["credits_used"] / 68, abs=1e-6)


def test_more_quality_and_more_images_cost_more() -> None:
    low, high, two = (
        charged(a_submission(**one))["credits_used"]
        for one in ({"quality": "low"}, {"quality": "high"}, {"quality": "high", "n": 2})
    )
    assert low < high < two


def test_what_did_not_complete_costs_nothing() -> None:
    assert not_charged() == {"credits_used": 0}

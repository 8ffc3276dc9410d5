"""What a task costs and how its usage is reported. Pure. Source: the provider's price page; token counts are rough."""

from typing import Any

from service.simulator.dimensions import AUTO, Resolution, at_ratio, explicit, tier
from service.simulator.submission import BETA, Submission

CREDITS_PER_DOLLAR = 68
_PER_IMAGE = {Resolution.ONE_K: 1.02, Resolution.TWO_K: 1.734, Resolution.FOUR_K: 2.652}  # credits
_IMAGE_OUTPUT, _IMAGE_INPUT, _TEXT_INPUT = 1.836, 0.4896, 0.306  # credits per 1000 tokens
_TOKENS_PER_MEGAPIXEL = {"low": 272, "medium": 1056, "high": 4160}
_TOKENS_PER_INPUT_IMAGE = 323
_CHARACTERS_PER_TOKEN = 4


def reserved(submission: Submission) -> dict[str, Any]:
    """The `usage` of a task that was just taken: an estimate."""
    rule = "per_call" if submission.model == BETA else "per_token"
    return {"billing_rule": rule, "credits_reserved": _cost(submission)[0], "user_group": "default"}


def charged(submission: Submission) -> dict[str, Any]:
    """The `usage` of a completed task."""
    credits, tokens = _cost(submission)
    cost = {"credits": credits, "usd": round(credits / CREDITS_PER_DOLLAR, 6)}
    return {"credits_used": credits, **tokens, "cost": cost}


def not_charged() -> dict[str, Any]:
    """The `usage` of a task that failed or was cancelled."""
    return {"credits_used": 0}


def _cost(submission: Submission) -> tuple[float, dict[str, int]]:
    width, height = _billed_edges(submission)
    if submission.model == BETA:
        return _PER_IMAGE[tier(width, height)], {}
    image_output = round(_TOKENS_PER_MEGAPIXEL[submission.quality] * width * height / 2**20) * submission.n
    image_input = _TOKENS_PER_INPUT_IMAGE * submission.input_images
    text_input = max(1, submission.prompt_length // _CHARACTERS_PER_TOKEN)
    thousands = image_output * _IMAGE_OUTPUT + image_input * _IMAGE_INPUT + text_input * _TEXT_INPUT
    tokens = {
        "text_input_tokens": text_input,
        "image_input_tokens": image_input,
        "text_cached_input_tokens": 0,
        "image_cached_input_tokens": 0,
        "image_output_tokens": image_output,
        "total_tokens": text_input + image_input + image_output,
    }
    return round(thousands / 1000, 4), tokens


def _billed_edges(submission: Submission) -> tuple[int, int]:
    """`auto` is billed as a square at 1K, whatever it comes to."""
    if submission.size == AUTO:
        return at_ratio("1:1", Resolution.ONE_K)
    return explicit(submission.size) or at_ratio(submission.size, submission.resolution)

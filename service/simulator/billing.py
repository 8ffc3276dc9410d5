"""What a task costs and how its usage is reported, by the built-in prices. Token counts are as rough as those say."""

from dataclasses import asdict
from datetime import date
from functools import cache
from typing import Any

from service.domain.budget import NANO
from service.simulator.submission import Submission
from service.submission.cost import Estimate, estimate, expected_tokens
from service.submission.price import ModelPrice, PerToken
from service.submission.price_list import load_prices

_built_in = cache(load_prices)


def reserved(submission: Submission, *, day: date) -> dict[str, Any]:
    """The `usage` of a task that was just taken: an estimate."""
    price, cost = _cost(submission, day)
    return {"billing_rule": price.billing, "credits_reserved": float(cost.credits), "user_group": "default"}


def charged(submission: Submission, *, day: date) -> dict[str, Any]:
    """The `usage` of a completed task that was taken on a day."""
    price, cost = _cost(submission, day)
    credits, usd = float(cost.credits), cost.nano_usd / NANO
    tokens = _tokens(submission, price) if isinstance(price, PerToken) else {}
    return {"credits_used": credits, **tokens, "cost": {"credits": credits, "usd": usd}}


def not_charged() -> dict[str, Any]:
    """The `usage` of a task that failed or was cancelled."""
    return {"credits_used": 0}


def _cost(submission: Submission, day: date) -> tuple[ModelPrice, Estimate]:
    listed, cost = _built_in().at(day), estimate(submission.request, _built_in(), day=day)
    assert listed is not None, "there are built-in prices"
    assert cost is not None, "each model that can be asked for has one"
    return listed.models[submission.request.model], cost


def _tokens(submission: Submission, price: PerToken) -> dict[str, int]:
    counts = asdict(expected_tokens(submission.request, price))
    return {**{f"{kind}_tokens": count for kind, count in counts.items()}, "total_tokens": sum(counts.values())}

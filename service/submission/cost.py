"""What a request is expected to cost and what a task did cost. Pure; money is whole nano US dollars, and credits.

Credits are what the provider takes; dollars follow from them, because it prints those with few decimals only.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any, assert_never

from typing_extensions import TypedDict

from service.domain.budget import NANO
from service.submission.price import PerCall, PerToken, ThousandTokens
from service.submission.price_list import Prices
from service.submission.request import Request
from service.submission.sizes import AUTO, Resolution, edges, explicit

_MOST_CREDITS, _MOST_USD, _MOST_TOKENS = 10**6, 10**4, 10**9
"""Far above what one task can cost: a report of more is not believed."""


class EstimateBasis(StrEnum):
    PER_IMAGE = "per_image"
    TOKENS = "tokens"


class ChargeBasis(StrEnum):
    """What a charge was read from, the best first."""

    REPORTED_COST = "reported_cost"
    REPORTED_CREDITS = "reported_credits"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request is expected to cost, by the price list of `prices_from`."""

    nano_usd: int
    credits: Decimal
    basis: EstimateBasis
    prices_from: date

    @property
    def exact(self) -> bool:
        """Whether this is what will be charged; how many tokens an image takes is only known afterwards."""
        return self.basis is EstimateBasis.PER_IMAGE


@dataclass(frozen=True, slots=True)
class Charge:
    """What a task cost."""

    nano_usd: int
    credits: Decimal
    basis: ChargeBasis


class ChargeDocument(TypedDict):
    """A charge as JSON, in US dollars and in the provider's credits."""

    usd: float
    credits: float
    basis: ChargeBasis


class EstimateDocument(TypedDict):
    """An estimate as JSON: not `exact` where tokens are billed; `prices_from` is the day of the price list."""

    usd: float
    credits: float
    basis: EstimateBasis
    exact: bool
    prices_from: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by kind. The provider does not say whether input tokens include cached ones: see `_fresh`."""

    image_output: int
    image_input: int
    text_input: int
    image_cached_input: int = 0
    text_cached_input: int = 0


def estimate(request: Request, prices: Prices, *, day: date) -> Estimate | None:
    """What a request is expected to cost on a day; None for a model without a price."""
    listed = prices.at(day)
    price = listed.models.get(request.model) if listed is not None else None
    if listed is None or price is None:
        return None
    match price:
        case PerCall():
            credits, basis = _per_image(request, price) * request.images, EstimateBasis.PER_IMAGE
        case PerToken():
            tokens = expected_tokens(request, price)
            credits, basis = _of_tokens(tokens, price.thousand_tokens), EstimateBasis.TOKENS
        case _:
            assert_never(price)
    return Estimate(_nano(credits / listed.credits_per_dollar), credits, basis, listed.since)


def expected_tokens(request: Request, price: PerToken) -> Tokens:
    """How many tokens a request is expected to take, for all its images."""
    assumed = price.estimate
    width, height = edges(request.size, request.resolution)
    per_image = round(assumed.output_tokens_of_1024x1024[request.quality] * width * height / 1024**2)
    return Tokens(
        image_output=per_image * request.images,
        image_input=assumed.tokens_of_an_input_image * len(request.image_urls),
        text_input=max(1, len(request.prompt or "") // assumed.characters_of_a_text_token),
    )


def charge(model: str | None, usage: object, prices: Prices, *, day: date) -> Charge | None:
    """What a task cost by the `usage` that the provider reports; None when nothing in that can be used.

    What cannot be an amount (text, negative, beyond reason) does not count, whatever it is.
    """
    listed = prices.at(day)
    if listed is None or not isinstance(usage, Mapping):
        return None
    rate = listed.credits_per_dollar
    reported = _reported_cost(usage.get("cost"), rate)
    if reported is not None:
        return reported
    credits_used = _amount(usage.get("credits_used"), _MOST_CREDITS)
    if credits_used is not None:
        return Charge(_nano(credits_used / rate), credits_used, ChargeBasis.REPORTED_CREDITS)
    price = listed.models.get(model) if model is not None else None
    tokens = _reported_tokens(usage) if isinstance(price, PerToken) else None
    if tokens is None or not isinstance(price, PerToken):
        return None
    credits = _of_tokens(tokens, price.thousand_tokens)
    return Charge(_nano(credits / rate), credits, ChargeBasis.TOKENS) if credits <= _MOST_CREDITS else None


def estimate_document(made: Estimate) -> EstimateDocument:
    """An estimate as JSON; dollars to the nano dollar."""
    return {
        "usd": made.nano_usd / NANO,
        "credits": float(made.credits),
        "basis": made.basis,
        "exact": made.exact,
        "prices_from": made.prices_from.isoformat(),
    }


def charge_document(made: Charge) -> ChargeDocument:
    """A charge as JSON; dollars to the nano dollar."""
    return {"usd": made.nano_usd / NANO, "credits": float(made.credits), "basis": made.basis}


def estimated_nano(document: Mapping[str, Any]) -> int:
    """The nano dollars of an estimate in JSON; 0 where it does not tell."""
    return _nano(_amount(document.get("usd"), _MOST_USD) or Decimal(0))


def _per_image(request: Request, price: PerCall) -> Decimal:
    """The credits of one image: `auto` is billed as 1K, a ratio by its resolution, other sizes by their pixels."""
    exact = explicit(request.size)
    if exact is not None:
        return price.of_pixels(math.prod(exact)).credits
    return price.at(Resolution.ONE_K if request.size == AUTO else request.resolution).credits


def _of_tokens(tokens: Tokens, per: ThousandTokens) -> Decimal:
    thousands = (
        tokens.image_output * per.image_output.credits
        + _fresh(tokens.image_input, tokens.image_cached_input) * per.image_input.credits
        + _fresh(tokens.text_input, tokens.text_cached_input) * per.text_input.credits
        + tokens.image_cached_input * per.image_cached_input.credits
        + tokens.text_cached_input * per.text_cached_input.credits
    )
    return thousands / 1000


def _fresh(tokens: int, cached: int) -> int:
    """Input tokens at the full price: cached ones are a part of them, unless there are more of those."""
    return tokens - cached if cached <= tokens else tokens


def _reported_cost(cost: object, rate: Decimal) -> Charge | None:
    """`usage.cost`; of credits and dollars one follows from the other where only one is told."""
    if not isinstance(cost, Mapping):
        return None
    credits, usd = _amount(cost.get("credits"), _MOST_CREDITS), _amount(cost.get("usd"), _MOST_USD)
    if credits is None and usd is None:
        return None
    known_usd = usd if usd is not None else (credits or Decimal(0)) / rate
    known_credits = credits if credits is not None else known_usd * rate
    return Charge(_nano(known_usd), known_credits, ChargeBasis.REPORTED_COST)


def _reported_tokens(usage: Mapping[Any, Any]) -> Tokens | None:
    """The token counts of a usage; None where it has none, or one that is no count: a part would be too little."""
    told = {one.name: usage.get(f"{one.name}_tokens") for one in fields(Tokens)}
    counts = {name: _count(value) for name, value in told.items() if value is not None}
    good = {name: count for name, count in counts.items() if count is not None}
    return Tokens(**{name: good.get(name, 0) for name in told}) if good and len(good) == len(counts) else None


def _count(value: object) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if isinstance(value, int) and good else None


def _amount(value: object, most: int) -> Decimal | None:
    """A number from 0 to `most`; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return abs(Decimal(str(value)))


def _nano(usd: Decimal) -> int:
    return int((usd * NANO).to_integral_value(ROUND_HALF_EVEN))

"""What one model costs, as a price list says it. Pure; it must not know files, nor what anybody asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from service.submission.parameters import QUALITIES
from service.submission.sizes import Resolution

TokenCount = Annotated[int, Field(ge=0, le=10**6)]


@dataclass(frozen=True, slots=True)
class Price:
    """What one of something costs: in credits, which count, and in dollars where the provider prints them."""

    credits: Annotated[Decimal, Field(ge=0, le=10**6)]
    usd: Annotated[Decimal, Field(ge=0, le=10**6)] | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """The price of an image; explicit sizes of up to `most_pixels` are of this tier, any size where that is None."""

    resolution: Resolution
    image: Price
    most_pixels: Annotated[int, Field(gt=0)] | None = None


def _complete_tiers(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    if [tier.resolution for tier in tiers] != list(Resolution):
        raise ValueError(f"takes one tier for each of {' '.join(Resolution)}, in this order")
    limits = [tier.most_pixels or 0 for tier in tiers]
    if not 0 < limits[0] < limits[1] or tiers[2].most_pixels is not None:
        raise ValueError("takes most_pixels that grow, and none in the last tier")
    return tiers


@dataclass(frozen=True, slots=True)
class PerCall:
    """A model of which every image has a price."""

    billing: Literal["per_call"]
    tiers: Annotated[tuple[Tier, ...], AfterValidator(_complete_tiers)]

    def prices(self) -> Iterator[Price]:
        return (tier.image for tier in self.tiers)

    def at(self, resolution: Resolution) -> Price:
        return next(tier.image for tier in self.tiers if tier.resolution is resolution)

    def of_pixels(self, pixels: int) -> Price:
        return next(tier.image for tier in self.tiers if tier.most_pixels is None or pixels <= tier.most_pixels)


@dataclass(frozen=True, slots=True)
class ThousandTokens:
    """What a thousand tokens of each kind cost."""

    image_output: Price
    image_input: Price
    image_cached_input: Price
    text_input: Price
    text_cached_input: Price


def _each_quality(tokens: Mapping[str, int]) -> Mapping[str, int]:
    if set(tokens) != set(QUALITIES):
        raise ValueError(f"takes a number for each of {' '.join(QUALITIES)}")
    return tokens


@dataclass(frozen=True, slots=True)
class ExpectedTokens:
    """How many tokens a request is expected to take: an assumption. Output tokens are by quality, for 1024x1024."""

    output_tokens_of_1024x1024: Annotated[Mapping[str, TokenCount], AfterValidator(_each_quality)]
    tokens_of_an_input_image: TokenCount
    characters_of_a_text_token: Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class PerToken:
    """A model that is charged by the tokens that it took."""

    billing: Literal["per_token"]
    thousand_tokens: ThousandTokens
    estimate: ExpectedTokens

    def prices(self) -> Iterator[Price]:
        per = self.thousand_tokens
        yield from (per.image_output, per.image_input, per.image_cached_input, per.text_input, per.text_cached_input)


ModelPrice = Annotated[PerCall | PerToken, Field(discriminator="billing")]

"""Price lists: what the provider charges, by model and from which day on; read from JSON. It must not know requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from service.errors import SettingsError
from service.submission.price import ModelPrice

SETTING = "DARKROOM_COST__PRICES"


@dataclass(frozen=True, slots=True)
class PriceList:
    """What every model costs from a day (UTC) on."""

    since: Annotated[date, Field(alias="from")]
    credits_per_dollar: Annotated[Decimal, Field(ge=Decimal("0.01"), le=10**6)]
    models: Mapping[str, ModelPrice]


@dataclass(frozen=True, slots=True)
class Prices:
    """Price lists, oldest first."""

    lists: tuple[PriceList, ...]

    def at(self, day: date) -> PriceList | None:
        """The newest list that is not after the day, or the first for days before it; None when there is no list."""
        begun = [one for one in self.lists if one.since <= day]
        return begun[-1] if begun else next(iter(self.lists), None)


def load_prices(path: Path | None = None) -> Prices:
    """The price lists of a file, or the built-in ones; raises SettingsError that says what is wrong where."""
    name = path or "the built-in prices"
    try:
        text = (path or resources.files(__package__) / "prices" / "evolink.json").read_bytes()
        return Prices(_PRICE_LISTS.validate_json(text))
    except OSError as error:
        raise SettingsError(f"{SETTING}: {name} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise SettingsError(f"{SETTING}: {name}: {_first(error)}") from None


def _dollars_agree(prices: PriceList) -> PriceList:
    """Dollars are printed with few decimals: they have to agree with the credits by less than the last of them."""
    for model, price in prices.models.items():
        for one in price.prices():
            if one.usd is not None and not _agree(one.credits / prices.credits_per_dollar, one.usd):
                raise ValueError(f"the {one.usd} dollars of {model} are not its {one.credits} credits")
    return prices


def _agree(exact: Decimal, printed: Decimal) -> bool:
    unit = Decimal((0, (1,), int(printed.as_tuple().exponent)))
    return abs(exact - printed) < unit


def _ascending(lists: tuple[PriceList, ...]) -> tuple[PriceList, ...]:
    if any(one.since >= following.since for one, following in pairwise(lists)):
        raise ValueError("the lists are not in the order of their dates")
    return lists


_PRICE_LISTS: TypeAdapter[tuple[PriceList, ...]] = TypeAdapter(
    Annotated[
        tuple[Annotated[PriceList, AfterValidator(_dollars_agree)], ...],
        Field(min_length=1),
        AfterValidator(_ascending),
    ]
)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    why = first["msg"].removeprefix("Value error, ")
    return f"{place}: {why}" if place else why

"""Bars of a chart as numbers: heights in a box that a template draws. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One value at a time; `height` of HEIGHT, 0 where there is none."""

    at: date
    value: float | None
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    """All of them, and what the highest one is."""

    bars: Sequence[Bar]
    highest: float

    @property
    def is_empty(self) -> bool:
        return self.highest == 0


def bars(values: Sequence[tuple[date, float | None]]) -> Bars:
    highest = max((value for _, value in values if value is not None), default=0.0)
    scale = HEIGHT / highest if highest > 0 else 0.0
    return Bars([Bar(at, value, max(1.5, value * scale) if value else 0.0) for at, value in values], highest)

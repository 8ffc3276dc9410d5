"""How figures and times stand in a page before a script shows them as its reader is used to. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from service.domain.moment import rfc3339

NONE = "\N{EN DASH}"

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(number: int | None) -> str:
    """Bytes in the unit that has at most three digits before the point."""
    if number is None:
        return NONE
    amount, unit = float(number), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {_UNITS[unit]}"


def moment(at: datetime | None) -> str:
    """A time in UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else NONE


def grouped(number: int) -> str:
    return f"{number:,}"


def coded(text: str) -> Markup:
    """What stands between backquotes is a command or a name."""
    parts = escape(text).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "coded": coded,
    "grouped": grouped,
    "moment": moment,
    "rfc3339": rfc3339,
    "size": size,
}

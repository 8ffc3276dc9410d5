"""List parameters: `limit`, `cursor` and filters. Unknown ones are refused by name, so that no typo widens a list."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from service.errors import Invalid
from service.web.parameters import single_parameters

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request: how many items, after which row, and filters; `many` are those that were given repeatedly."""

    limit: int
    after: int | None
    filters: Mapping[str, str]
    conflicts: bool = False  # whether what the provider refuted is shown too
    many: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def list_query(
    request: Request,
    allowed: Collection[str] = (),
    *,
    values: Mapping[str, Collection[str]] | None = None,
    repeatable: Collection[str] = (),
    paged: bool = True,
) -> ListQuery:
    """Read the query string; raises Invalid that names the parameter. `values` lists what a closed filter takes."""
    known = (*allowed, "limit", "cursor") if paged else tuple(allowed)
    given = single_parameters(request, known, of="this list", repeatable=repeatable)
    filters = {name: given[name] for name in given if name in allowed and name not in repeatable}
    many = {name: tuple(request.query_params.getlist(name)) for name in repeatable if name in given}
    for name, takes in (values or {}).items():
        if name in filters and filters[name] not in takes:
            raise Invalid("invalid_parameter", f"{name} takes one of {', '.join(takes)}")
    conflicts = filters.pop("conflict", "false") == "true"
    return ListQuery(_limit(given.get("limit")), _after(given.get("cursor")), filters, conflicts, many)


def page(items: list[Any], following: int | None) -> dict[str, Any]:
    """The answer of every list."""
    return {"items": items, "next": _cursor(following) if following is not None else None}


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST_LIMIT):
        raise Invalid("invalid_limit", f"limit takes a whole number from 1 to {LARGEST_LIMIT}")
    return int(text)


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(f"s{seq}".encode()).decode().rstrip("=")


def _after(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode("ascii")
        digits = text.removeprefix("s")
        if digits == text or not digits.isdigit() or len(digits) > 18:
            raise ValueError
        return int(digits)
    except (ValueError, binascii.Error):
        raise Invalid("invalid_cursor", "the cursor is not one that this list gave") from None

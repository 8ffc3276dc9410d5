"""List parameters: `limit`, `cursor` and filters. Unknown ones are refused by name, so that no typo widens a list."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from service.web.answers.document import PageDocument
from service.web.parameters import Parameter, Whole, read_parameters

T = TypeVar("T")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


class Cursor:
    """Where a page begins, as the page before has told it."""

    schema: Mapping[str, Any] = {"type": "string", "format": "cursor"}

    def read(self, text: str) -> int:
        try:
            digits = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode("ascii")
            number = digits.removeprefix("s")
            if number == digits or not number.isdigit() or len(number) > 18:
                raise ValueError
            return int(number)
        except (ValueError, binascii.Error):
            raise ValueError("is not one that this list gave") from None


LIMIT = Parameter(
    "limit", "How many items at most.", Whole(1, LARGEST_LIMIT), code="invalid_limit", usual=DEFAULT_LIMIT, example=20
)
CURSOR = Parameter("cursor", "`next` of the page before.", Cursor(), code="invalid_cursor")
PAGING = (LIMIT, CURSOR)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request: how many items, after which row, and the values of its filters that are given."""

    limit: int
    after: int | None
    filters: Mapping[str, Any]


def list_query(request: Request, filters: Collection[Parameter] = (), *, paged: bool = True) -> ListQuery:
    """Read the query string; raises Invalid that names the parameter."""
    given = dict(read_parameters(request, (*filters, *PAGING) if paged else filters, of="this list"))
    return ListQuery(given.pop("limit", DEFAULT_LIMIT), given.pop("cursor", None), given)


def page(items: list[T], following: int | None) -> PageDocument[T]:
    """The answer of every list."""
    return {"items": items, "next": cursor_of(following) if following is not None else None}


def cursor_of(seq: int) -> str:
    """What goes on after the row of this number."""
    return base64.urlsafe_b64encode(f"s{seq}".encode()).decode().rstrip("=")

"""What an export says in text: lines of JSON, and rows of CSV that no spreadsheet takes for a formula. Pure."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from service.catalog.exporting import ListedImage
from service.domain.moment import rfc3339

Document = Mapping[str, Any]
"""What is told of an image or a task, by the names of the API."""

IMAGE_COLUMNS = (
    *("id", "task_id", "index", "status", "reason", "detail", "url_host", "attempts", "next_attempt_at", "deadline"),
    *("sha256", "bytes", "format", "media_type", "width", "height", "object_key", "archived_at"),
    *("content_url", "thumbnail_url", "source", "model", "ref", "tags", "prompt", "received_at"),
    *("details", "cursor"),
)
TASK_COLUMNS = (
    *("id", "source", "status", "reason", "model", "confirmed", "conflict", "ref", "tags", "prompt", "parameters"),
    *("usage", "cost", "error", "created_at", "received_at", "settled_at", "deadline", "next_check_at"),
    *("assets", "hold", "cursor"),
)
"""Of a CSV, in this order: all that lists tell. New ones come last, before the cursor."""

_BEGIN_FORMULAS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_OWN_MARK = "'"

_ELSEWHERE_SEPARATE = re.compile("([;\t\r\n])")
"""What ends a cell for spreadsheets of countries where `;` does: to them a `"` behind a comma is no quote, and two of
them at a cell's beginning are nothing."""

_QUOTED = frozenset('",;\t\r\n')
_ENDS_OF_LINES = {ord(one): f"\\u{ord(one):04x}" for one in "\x85\u2028\u2029"}


def json_line(document: Document) -> bytes:
    """One line, also for readers that take more than a line feed for a line's end."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ENDS_OF_LINES).encode() + b"\n"


def csv_row(values: Sequence[object]) -> bytes:
    """One row (RFC 4180, UTF-8): nothing for None, JSON for lists and maps, and texts made safe.

    What has a `;` or a tab is quoted too, for readers that take several separators at once.
    """
    return (",".join(_quoted(_cell(value)) for value in values) + "\r\n").encode()


def formula_safe(text: str) -> str:
    """The text, with a `'` wherever a spreadsheet would reckon instead of show; before a `'` there, too.

    That is where the text begins, or what follows a `;`, a tab or a line's end. Who takes one `'` away in each of these
    places has the text as it was.
    """
    return "".join(f"{_OWN_MARK}{part}" if _is_marked(part) else part for part in _ELSEWHERE_SEPARATE.split(text))


def with_its_task(document: Document, listed: ListedImage) -> Document:
    """An image as lists tell of it, and what its task says of it."""
    of_task = {"source": listed.source, "model": listed.model, "ref": listed.ref, "tags": dict(listed.tags)}
    return {**document, **of_task, "prompt": listed.prompt, "received_at": rfc3339(listed.received_at)}


def _is_marked(part: str) -> bool:
    """Whether it has our mark already, or a formula's beginning, first or after nothing but what is not seen."""
    for one in part:
        if one in _BEGIN_FORMULAS:
            return True
        if one != '"' and not one.isspace() and unicodedata.category(one) not in ("Cc", "Cf"):
            break
    return part.startswith(_OWN_MARK)


def _quoted(cell: str) -> str:
    if _QUOTED.isdisjoint(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return formula_safe(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            return text.replace(";", "\\u003b")  # it stands in strings alone, and means the same

"""Query strings of lists: filters, search words, cursors."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from service.errors import Invalid
from service.web.narrowing import assets_asked_for, tasks_asked_for
from service.web.paging import LARGEST_LIMIT, cursor_of
from tests.fuzz.storable import LARGEST_INTEGER, must_be_storable

READERS: tuple[Callable[[Request], Any], ...] = (tasks_asked_for, assets_asked_for)
LONGEST_PROBLEM = 2000


def seeds() -> Iterator[bytes]:
    for given in (
        {"q": "foggy light* 日落", "tag": "team:posters", "limit": "7", "cursor": cursor_of(12)},
        {"status": "archived", "format": "png", "size": "1024x1536", "min_bytes": "5", "conflict": "true"},
        {"received_after": "2026-05-01T00:00:00Z", "archived_before": "2026-05-01T02:00:00+02:00", "held": "false"},
        {"id": "task-unified-1757165031-abcdefgh.0", "host": "Files.Evolink.AI", "sort": "largest"},
        {"limit": "0", "cursor": "x"},
        {"q": "\0é\U0001f600"},
    ):
        yield urlencode(given).encode()
    yield b"tag=a&tag=b%3Ac&ref=%ff%00&id=abcd.0&id=abcd.1"


def check(data: bytes) -> None:
    for reader in READERS:
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": data})
        asked = _asked(reader, request)
        if isinstance(asked, Invalid):
            must_be_storable(str(asked))
            assert len(str(asked)) < LONGEST_PROBLEM
            continue
        assert 1 <= asked.limit <= LARGEST_LIMIT
        assert asked.after is None or 0 <= asked.after <= LARGEST_INTEGER
        of_task = getattr(asked.filter, "task", asked.filter)
        for term in of_task.search.terms | of_task.search.beginnings:
            assert term
            assert not set(term) & set(" '\"*:\\\0"), f"{term!r} could end a quoted word of an index"
        for text in (of_task.model, of_task.source, of_task.ref, getattr(asked.filter, "host", None)):
            (text or "").encode()


def _asked(reader: Callable[[Request], Any], request: Request) -> Any:
    try:
        return reader(request)
    except Invalid as refused:
        return refused

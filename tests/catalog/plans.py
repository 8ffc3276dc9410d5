"""How PostgreSQL answers the catalog's own queries: captured as they are sent, explained, and judged."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg  # type: ignore[import-untyped] # it ships no types
import sqlalchemy as sa

from service.catalog.catalog import Catalog, Transaction
from service.domain.audit import command_of

MOST_REMOVED = 1_000
"""Rows that a step may read and throw away."""

MOST_PAGES = 2_000
"""Pages of 8 KiB that a statement may touch."""

MOST_UNSORTED = 50
"""Of them by looking for any row at all."""

LARGE = frozenset(
    {"tasks", "assets", "callbacks", "history", "callback_tokens", "signed_links"}
    | {"charges", "spending", "submissions", "events", "deliveries"}
    | {"api_keys", "audit"}
)
NOT_OURS = ("BEGIN", "COMMIT", "ROLLBACK", "SELECT clock_timestamp(), current_setting")


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as the driver got it."""

    sql: str
    parameters: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one statement was run; `milliseconds` of the server's own time."""

    sql: str
    faults: tuple[str, ...]
    milliseconds: float
    pages: int


class _Enough(Exception):  # noqa: N818 - no error: nothing more is wanted
    """Ends a transaction that was only to be looked at."""


@contextmanager
def listening() -> Iterator[list[Sent]]:
    """Statements that are sent to any database while the block runs."""
    sent: list[Sent] = []

    def note(_c: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool) -> None:
        if not sql.startswith(NOT_OURS):
            sent.extend(Sent(sql, one) for one in (parameters[:1] if many else [parameters]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def statements_of(catalog: Catalog, work: Callable[[Transaction], object], *, reading: bool) -> list[Sent]:
    """What a piece of work sends; nothing of it is kept."""

    def tried(tx: Transaction) -> None:
        work(tx)
        raise _Enough

    with listening() as sent, suppress(_Enough):
        await (catalog.read(tried) if reading else catalog.write(tried, by=command_of("tests")))
    return sent


async def explained(url: str, sent: Sequence[Sent]) -> list[Plan]:
    """The plans of statements that follow each other in one transaction, which is taken back."""
    connection = await asyncpg.connect(url, timeout=10)
    plans = []
    transaction = connection.transaction()
    await transaction.start()
    for one in sent:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {one.sql}", *one.parameters)
        [found] = json.loads(told)
        top = found["Plan"]
        changes = top["Node Type"] == "ModifyTable"  # what it writes is no fault: how it finds that may be one
        pages = sum(_pages(node) for node in (top.get("Plans", ()) if changes else [top]))
        faults = [fault for node in _nodes(top) for fault in _faults(node)]
        faults += [f"{pages} pages"] if pages > MOST_PAGES else []
        plans.append(Plan(one.sql, tuple(faults), found["Execution Time"], pages))
    await transaction.rollback()
    await connection.execute("SELECT pg_stat_force_next_flush()")  # so that the use of indexes is known at once
    await connection.close()
    return plans


def _pages(node: dict[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _faults(node: dict[str, Any]) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    if kind.endswith("Seq Scan") and table in LARGE and _pages(node) > MOST_UNSORTED:
        yield f"{kind} of {table}"
    loops = max(node.get("Actual Loops", 1), 1)
    for why in ("Rows Removed by Filter", "Rows Removed by Index Recheck"):
        removed = node.get(why, 0) * loops
        if removed > MOST_REMOVED:
            yield f"{removed} {why.lower()} in {kind} of {node.get('Index Name', table)}"

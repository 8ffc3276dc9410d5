"""Lists of tasks and images by any filter, in pages by keyset: a page begins after the last row of the one before.

What few rows fulfil leads, and only those rows are looked at; what many fulfil is met soon while going through the list
in its order, unless two conditions that many fulfil hardly ever come together. Which it is, is found out by counting
the rows of each condition up to a bound, and not left to how a database guesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.catalog.filters import (
    OF_TASK,
    AssetFilter,
    Condition,
    Lead,
    Sort,
    TaskFilter,
    asset_conditions,
    task_conditions,
)
from service.catalog.search_index import matches, matching, texts_in
from service.catalog.tables import assets, tasks
from service.domain.words import Search, holds

TEXTS = (tasks.c.prompt, tasks.c.ref, tasks.c.tags, tasks.c.error)

Columns = Sequence[sa.ColumnElement[Any]]
Query = sa.Select[*tuple[Any, ...]]
Numbers = sa.Select[int]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is looked at for one page.

    `few`: rows that may all be looked at. `many`: rows of which all numbers may be gathered. `together`: tasks that are
    found by words and looked at together at least, where there are many. `gathered`: tasks up to which all are, where
    they could be gone through in order. `least`: rows that words are looked for in.
    """

    few: int = 20_000
    many: int = 150_000
    together: int = 100
    gathered: int = 500
    least: int = 50


BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class _List:
    """What is listed: its number, its rows, the order, the conditions, and the words that its task is found by."""

    number: sa.Column[int]
    rows: sa.Table | sa.Join
    order: tuple[sa.Column[Any], ...]
    descends: bool
    conditions: tuple[Condition, ...]
    search: Search

    @property
    def plain(self) -> list[sa.ColumnElement[bool]]:
        """The conditions, where something else leads to the rows."""
        return [condition.plain for condition in self.conditions]

    @property
    def in_order(self) -> list[sa.ColumnElement[bool]]:
        """The conditions, where the list is gone through in its order: by an index that has another one, all that it
        finds would be sorted first."""
        by_number = self.order == (self.number,)
        return [
            one.clause if by_number or (one.lead is not None and one.lead.order == self.order) else one.plain
            for one in self.conditions
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a list, and where the next page starts; `next` is None where there are no more."""

    rows: list[sa.RowMapping]
    next: int | None


class Listing:
    """Lists within one read transaction. `after` is the number of the last row of the page before."""

    def __init__(self, connection: sa.Connection, bounds: Bounds = BOUNDS) -> None:
        self._connection = connection
        self._bounds = bounds
        self._dialect = connection.dialect.name

    def tasks(
        self, wanted: TaskFilter, columns: Columns, *, limit: int, after: int | None = None, sort: Sort = Sort.NEWEST
    ) -> Found:
        """These columns of tasks."""
        c = tasks.c
        order = (c.seq,) if wanted.received.is_empty else (c.received_at, c.seq)  # a span may lie far from the newest
        conditions = tuple(task_conditions(wanted, self._dialect))
        listed = _List(c.seq, tasks, order, sort is Sort.NEWEST, conditions, wanted.search)
        return self._page(listed, columns, limit, after)

    def assets(
        self, wanted: AssetFilter, columns: Columns, *, limit: int, after: int | None = None, sort: Sort = Sort.NEWEST
    ) -> Found:
        """These columns of images, and of their tasks; those that are found by words go by task."""
        c = assets.c
        search = wanted.task.search
        conditions = tuple(asset_conditions(wanted, self._dialect))
        order: tuple[sa.Column[Any], ...] = (c.seq,)
        if sort in (Sort.LARGEST, Sort.SMALLEST):
            order, has = (c.bytes, c.seq), c.bytes.is_not(None)
            conditions = (*conditions, Condition(has, has))
        elif not wanted.archived.is_empty:
            order = (c.archived_at, c.seq)
        elif not search.is_empty:
            order = (tasks.c.seq, c.index)
        asks_task = wanted.task != TaskFilter() or any(getattr(column, "table", None) is tasks for column in columns)
        rows = OF_TASK if asks_task else assets
        listed = _List(c.seq, rows, order, sort in (Sort.NEWEST, Sort.LARGEST), conditions, search)
        return self._page(listed, columns, limit, after)

    def _page(self, listed: _List, columns: Columns, limit: int, after: int | None) -> Found:
        asked: list[sa.ColumnElement[Any]] = [listed.number.label("number"), *columns]
        query: Query = sa.select(*asked).select_from(listed.rows)
        if listed.search.runs:
            query = query.add_columns(*(column.label(f"text_{column.name}") for column in TEXTS))
        lead = self._lead(listed)
        kept: list[sa.RowMapping] = []
        while len(kept) <= limit:
            most = max(limit + 1 - len(kept), self._bounds.least)
            rows = self._some(listed, query, lead, after, most)
            kept += [row for row in rows if not listed.search.runs or holds(listed.search, _texts(row))]
            if len(rows) < most:
                break
            after = rows[-1]["number"]
        more = len(kept) > limit
        return Found(kept[:limit], kept[limit - 1]["number"] if more else None)

    def _some(
        self, listed: _List, query: Query, lead: Lead | None, after: int | None, most: int
    ) -> list[sa.RowMapping]:
        searched, plain = not listed.search.is_empty, listed.plain
        by_words = [matches(self._dialect, listed.search)] if searched else []
        if lead is not None:
            leading = lead.numbers.cte("leading").prefix_with("MATERIALIZED", dialect="postgresql")  # and nothing else
            led = listed.number.in_(sa.select(leading.c[0]))
            return self._ordered(listed, query.where(led, *plain, *by_words), after, most)
        if not searched:
            return self._ordered(listed, query.where(*listed.in_order), after, most)
        if listed.order[0] is tasks.c.seq:
            return self._streamed(listed, query.where(*plain), after, most)
        found = matching(self._dialect, listed.search)
        if self._count(found, self._bounds.many) <= self._bounds.many:
            by_words = [tasks.c.seq.in_(found)]
        return self._ordered(listed, query.where(*plain, *by_words), after, most)

    def _lead(self, listed: _List) -> Lead | None:
        """What the fewest rows fulfil, where those are few."""
        candidates = [condition.lead for condition in listed.conditions if condition.lead is not None]
        words = self._words(listed) if not listed.search.is_empty else None
        if words is not None:
            candidates.append(words)
        elif len(candidates) == 1 and candidates[0].order == listed.order:
            return None  # its index has the order of the list
        fewest, lead = self._bounds.few, None
        for candidate in candidates:
            counted = self._count(candidate.counted, fewest)
            if counted <= fewest:
                fewest, lead = counted, candidate
        if lead is words and listed.order[0] is tasks.c.seq and fewest > self._bounds.gathered:
            return None  # words are gone through in the order of the list, of which a page needs the beginning only
        return lead

    def _words(self, listed: _List) -> Lead:
        found = matching(self._dialect, listed.search)
        if listed.number is tasks.c.seq:
            return Lead(found, found)
        return Lead(sa.select(assets.c.seq).select_from(OF_TASK).where(tasks.c.seq.in_(found)), found)

    def _count(self, numbers: Numbers, most: int) -> int:
        """How many there are, up to one more than that."""
        bounded = numbers.limit(most + 1).subquery()
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(bounded)).scalar_one())

    def _ordered(self, listed: _List, query: Query, after: int | None, most: int) -> list[sa.RowMapping]:
        if after is not None:
            last = sa.select(*listed.order).select_from(listed.rows).where(listed.number == after).scalar_subquery()
            here = sa.tuple_(*listed.order)
            query = query.where(here < last if listed.descends else here > last)
        order = [column.desc() if listed.descends else column.asc() for column in listed.order]
        return list(self._connection.execute(query.order_by(*order).limit(most)).mappings())

    def _streamed(self, listed: _List, query: Query, after: int | None, most: int) -> list[sa.RowMapping]:
        """By the numbers of tasks that words find, which come in order, some at a time."""
        found, together = matching(self._dialect, listed.search), max(most, self._bounds.together)
        number = found.selected_columns[0]
        found = found.order_by(number.desc() if listed.descends else number.asc()).limit(together)
        rows: list[sa.RowMapping] = []
        place = self._task_of(listed, after)
        while len(rows) < most:
            some = found if place is None else found.where(number <= place if listed.descends else number >= place)
            numbers = [row[0] for row in self._connection.execute(some)]
            if not numbers:
                break
            rows += self._ordered(listed, query.where(tasks.c.seq.in_(numbers)), after, most - len(rows))
            if len(numbers) < together:
                break
            after, place = None, numbers[-1] + (-1 if listed.descends else 1)
        return rows

    def _task_of(self, listed: _List, after: int | None) -> int | None:
        """The number of the task that a page begins with, of which there may be more images."""
        if after is None or listed.number is tasks.c.seq:
            return after
        return self._connection.execute(
            sa.select(tasks.c.seq).select_from(OF_TASK).where(listed.number == after)
        ).scalar_one_or_none()


def _texts(row: sa.RowMapping) -> list[str]:
    return texts_in(row["text_prompt"], row["text_ref"], row["text_tags"], row["text_error"])

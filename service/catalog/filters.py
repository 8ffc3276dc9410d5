"""What lists can be narrowed by, and what of that an index leads to. It must not know how a list is put together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from service.catalog.dialects import without_index
from service.catalog.tables import NOT_EVOLINK, NOT_PNG, assets, tasks
from service.domain.asset import AssetReason
from service.domain.words import Search


class Sort(StrEnum):
    """In which order; `largest` and `smallest` are of images that have bytes."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LARGEST = "largest"
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True)
class Span:
    """From a time on, and before another one."""

    after: datetime | None = None
    before: datetime | None = None

    def conditions(self, column: sa.Column[datetime]) -> list[sa.ColumnElement[bool]]:
        found = [column >= self.after] if self.after is not None else []
        return [*found, column < self.before] if self.before is not None else found

    @property
    def is_empty(self) -> bool:
        return self.after is None and self.before is None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """None and nothing match all; `search` holds the terms of tags, too."""

    status: str | None = None
    model: str | None = None
    source: str | None = None
    ref: str | None = None
    search: Search = field(default_factory=Search)
    received: Span = field(default_factory=Span)
    held: bool | None = None  # whether there is a hold
    conflicts: bool = False  # whether what the provider refuted is shown too


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """None and nothing match all; `task` is what the task has to fulfil. `size` is width and height in pixels.

    `ids` are tasks with the index of one of their images each.
    """

    status: str | None = None
    format: str | None = None
    task_id: str | None = None
    ids: tuple[tuple[str, int], ...] = ()
    host: str | None = None
    size: tuple[int, int] | None = None
    least_bytes: int | None = None
    most_bytes: int | None = None
    archived: Span = field(default_factory=Span)
    task: TaskFilter = field(default_factory=TaskFilter)
    conflicts: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """The numbers of the rows of a list that fulfil something, found by an index, in the order of these columns.

    `counted` are about as many rows, and quicker to count: tasks, where `numbers` are those of their images.
    """

    numbers: sa.Select[int]
    counted: sa.Select[int]
    order: tuple[sa.Column[Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row has to fulfil: `clause` as an index of its table may find it, `plain` as none does; and what leads to
    it, if anything does."""

    clause: sa.ColumnElement[bool]
    plain: sa.ColumnElement[bool]
    lead: Lead | None = None


_RARE: Mapping[sa.Column[str], tuple[str, str]] = {
    assets.c.format: ("png", NOT_PNG),
    tasks.c.source: ("evolink", NOT_EVOLINK),
}
"""The usual value of columns, which most rows have, and what holds for all others: those alone are indexed."""

OF_TASK = assets.join(tasks, tasks.c.id == assets.c.task_id)
"""Images with their tasks."""


def task_conditions(wanted: TaskFilter, dialect: str) -> Iterator[Condition]:
    """What a task has to fulfil, but for the words."""
    c = tasks.c
    for column in (c.status, c.model, c.source, c.ref):
        value = getattr(wanted, column.name)
        if value is not None:
            yield _equal(column, value, dialect, c.seq)
    yield from _between(wanted.received.conditions(c.received_at), c.received_at, c.seq)
    if wanted.held is not None:
        held = c.hold_at.is_not(None)
        numbers = sa.select(c.seq).where(held)
        yield Condition(held, held, Lead(numbers, numbers, (c.seq,))) if wanted.held else Condition(~held, ~held)
    if not wanted.conflicts:
        yield Condition(sa.not_(c.conflict), sa.not_(c.conflict))


def asset_conditions(wanted: AssetFilter, dialect: str) -> Iterator[Condition]:
    """What an image has to fulfil, and its task, which is joined, but for the words."""
    c = assets.c
    for column in (c.status, c.format, c.task_id, c.host):
        value = getattr(wanted, column.name)
        if value is not None:
            yield _equal(column, value, dialect, c.seq)
    if wanted.ids:
        numbers = sa.select(c.seq).where(sa.tuple_(c.task_id, c.index).in_(wanted.ids))
        named = c.seq.in_(numbers)
        yield Condition(named, named, Lead(numbers, numbers))
    if wanted.size is not None:
        sized = sa.and_(c.width == wanted.size[0], c.height == wanted.size[1])
        numbers = sa.select(c.seq).where(sized)
        yield Condition(sized, sized, Lead(numbers, numbers, (c.seq,)))
    bytes_ = [c.bytes >= wanted.least_bytes] if wanted.least_bytes is not None else []
    bytes_ += [c.bytes <= wanted.most_bytes] if wanted.most_bytes is not None else []
    yield from _between(bytes_, c.bytes, c.seq)
    yield from _between(wanted.archived.conditions(c.archived_at), c.archived_at, c.seq)
    if not wanted.conflicts:
        shown = sa.or_(c.reason.is_(None), c.reason != AssetReason.REFUTED.value)
        yield Condition(shown, shown)
    of_task = replace(wanted.task, status=None, conflicts=True)
    for condition in task_conditions(of_task, dialect):
        lead = None
        if condition.lead is not None:
            images = sa.select(c.seq).select_from(OF_TASK).where(condition.clause)
            lead = Lead(images, condition.lead.counted)
        yield Condition(condition.plain, condition.plain, lead)


def _between(
    clauses: list[sa.ColumnElement[bool]], column: sa.Column[Any], number: sa.Column[int]
) -> Iterator[Condition]:
    if clauses:
        within = sa.and_(*clauses)
        numbers = sa.select(number).where(within)
        yield Condition(within, within, Lead(numbers, numbers, (column, number)))


def _equal(column: sa.Column[str], value: str, dialect: str, number: sa.Column[int]) -> Condition:
    usual, rare = _RARE.get(column, (value, ""))
    indexed = column == value if value == usual else sa.and_(column == value, sa.text(rare))
    plain = without_index(dialect, column) == value
    if column in _RARE and value == usual:
        return Condition(indexed, plain)
    numbers = sa.select(number).where(indexed)
    return Condition(indexed, plain, Lead(numbers, numbers, (number,)))

"""Tasks with their assets and history: loaded, decided upon elsewhere, saved where they differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from service.catalog import rows, tables
from service.catalog.bulk import Bulk, Values
from service.catalog.dialects import insert_into
from service.catalog.one_asset import ONE_ASSET, this_asset
from service.catalog.prepared import Prepared
from service.catalog.search_index import SearchIndex
from service.catalog.tables import UNPROVEN
from service.domain.asset import Asset
from service.domain.history import HistoryEntry
from service.domain.task import Task


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task with all its assets, in index order."""

    task: Task
    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Whose callback was the first to tell of a task, and how much room that takes, in bytes."""

    token_id: str
    size: int


@cache
def _inserting(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Bulk:
    return Bulk(insert_into(dialect.name, table), names, dialect)


@cache
def _changing(statement: sa.Update, names: tuple[str, ...]) -> Prepared:
    return Prepared(statement, sets=[name for name in names if name not in _WHICH])


# Built once, as what is built anew for each image takes longer than the database does.
_TASKS = (
    sa.select(tables.tasks)
    .where(tables.tasks.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.tasks.c.id)
)
_LOCKED_TASKS = _TASKS.with_for_update()
_BY_ID = sa.select(tables.tasks).where(tables.tasks.c.id == sa.bindparam("its_id"))
_ONE_TASK, _ONE_LOCKED_TASK = Prepared(_BY_ID), Prepared(_BY_ID.with_for_update())
_ITS_ASSETS = Prepared(
    sa.select(tables.assets).where(tables.assets.c.task_id == sa.bindparam("its_id")).order_by(tables.assets.c.index)
)
_THEIR_ASSETS = (
    sa.select(tables.assets)
    .where(tables.assets.c.task_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.assets.c.task_id, tables.assets.c.index)
)
_TASK = sa.update(tables.tasks).where(tables.tasks.c.id == sa.bindparam("its_id"))
_ASSET = sa.update(tables.assets).where(*ONE_ASSET)
_HISTORY = Prepared(
    sa.select(tables.history).where(tables.history.c.task_id == sa.bindparam("its_task")).order_by(tables.history.c.seq)
)

_WHICH = ("its_id", *this_asset("", 0))
"""Names of values that say which row is meant."""

_OF_SIDECARS = ("sidecar_version",)
"""What is written by whoever writes a sidecar alone."""

_NOBODY: Mapping[str, Named] = MappingProxyType({})


def _naming(named: Named | None) -> dict[str, Any]:
    return {"named_by": named.token_id if named else None, "named_bytes": named.size if named else 0}


class Tasks:
    """Tasks within one transaction."""

    def __init__(self, connection: sa.Connection, *, locks: bool = True) -> None:
        self._connection = connection
        self._locks = locks

    def load(self, ids: Iterable[str]) -> dict[str, TaskState]:
        """The tasks of these ids that exist; one that writes has them locked, in one order for all, until it ends."""
        wanted = list(ids)
        if len(wanted) < 2:  # SQLAlchemy spells the other one anew for each number of them
            one = self.get(wanted[0]) if wanted else None
            return {one.task.id: one} if one is not None else {}
        found = self._connection.execute(_LOCKED_TASKS if self._locks else _TASKS, {"ids": wanted}).mappings()
        states = {row["id"]: TaskState(rows.task_from(row), ()) for row in found}
        if states:
            grouped: dict[str, list[Asset]] = {}
            for row in self._connection.execute(_THEIR_ASSETS, {"ids": list(states)}).mappings():
                grouped.setdefault(row["task_id"], []).append(rows.asset_from(row))
            for task_id, assets in grouped.items():
                states[task_id] = TaskState(states[task_id].task, tuple(assets))
        return states

    def get(self, task_id: str) -> TaskState | None:
        """The same of one."""
        which = {"its_id": task_id}
        task = (_ONE_LOCKED_TASK if self._locks else _ONE_TASK).first(self._connection, which)
        if task is None:
            return None
        assets = _ITS_ASSETS.all(self._connection, which)
        return TaskState(rows.task_from(task), tuple(map(rows.asset_from, assets)))

    def save(
        self, changes: Iterable[tuple[TaskState | None, TaskState]], *, named: Mapping[str, Named] = _NOBODY
    ) -> None:
        """Write what differs between each (before, after); `before` is None for a task that was not there.

        `named` tells of which new tasks we know by a callback alone.
        """
        new_tasks: list[dict[str, Any]] = []
        changed_tasks: list[tuple[Task, Task]] = []
        new_assets: list[dict[str, Any]] = []
        changed_assets: list[tuple[Asset, Asset]] = []
        changes = list(changes)
        for before, after in changes:
            if before is None:
                new_tasks.append(rows.task_values(after.task) | _naming(named.get(after.task.id)))
            elif before.task != after.task:
                changed_tasks.append((before.task, after.task))
            known = {asset.index: asset for asset in before.assets} if before else {}
            for asset in after.assets:
                if asset.index not in known:
                    new_assets.append(rows.asset_values(asset))
                elif known[asset.index] != asset:
                    changed_assets.append((known[asset.index], asset))
        if new_tasks:  # where somebody else was first, this fails, and is done again with what they wrote
            self._insert(tables.tasks, new_tasks)
        self._change(_TASK, (_task_changes(before, after) for before, after in changed_tasks))
        SearchIndex(self._connection).follow((before.task if before else None, after.task) for before, after in changes)
        if new_assets:
            self._insert(tables.assets, new_assets)
        changed_assets.sort(key=lambda one: (one[1].task_id, one[1].index))
        self._change(_ASSET, (_asset_changes(before, after) for before, after in changed_assets))

    def known_by_callbacks_alone(self, ids: Iterable[str]) -> set[str]:
        """Those of these tasks that nobody but callbacks told of, and that no answer has confirmed."""
        t = tables.tasks.c
        return set(self._connection.execute(sa.select(t.id).where(t.id.in_(list(ids)), sa.text(UNPROVEN))).scalars())

    def weigh(self, sizes: Mapping[str, int]) -> None:
        """Note how much room the callbacks of tasks take, in bytes, where nobody else told of them."""
        t = tables.tasks.c
        statement = sa.update(tables.tasks).where(t.id == sa.bindparam("task"), sa.text(UNPROVEN))
        values = [{"task": task_id, "size": size} for task_id, size in sizes.items()]
        if values:
            self._connection.execute(statement.values(named_bytes=sa.bindparam("size")), values)

    def note(self, entries: Sequence[tuple[str, HistoryEntry]]) -> None:
        """Append to the history of tasks."""
        if entries:
            self._insert(tables.history, [rows.entry_values(task_id, entry) for task_id, entry in entries])

    def _change(self, statement: sa.Update, changes: Iterable[tuple[Values, Values]]) -> None:
        """Write what differs of which row, in this order; those in which the same differs go together."""
        values = [{**which, **differing} for which, differing in changes if differing]
        for names, alike in groupby(values, key=tuple):
            _changing(statement, names).change(self._connection, *alike)

    def _insert(self, table: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
        _inserting(table, tuple(values[0]), self._connection.dialect).insert(self._connection, values)

    def lengths_of_history(self, ids: Iterable[str]) -> dict[str, int]:
        """How many entries the history of each of these tasks has."""
        h = tables.history.c
        query = sa.select(h.task_id, sa.func.count()).where(h.task_id.in_(list(ids))).group_by(h.task_id)
        return {task_id: number for task_id, number in self._connection.execute(query)}  # noqa: C416 - rows

    def history(self, task_id: str) -> list[HistoryEntry]:
        return [rows.entry_from(row) for row in _HISTORY.all(self._connection, {"its_task": task_id})]


def _task_changes(before: Task, after: Task) -> tuple[Values, Values]:
    return {"its_id": after.id}, _differing(rows.task_values(before), rows.task_values(after))


def _asset_changes(before: Asset, after: Asset) -> tuple[Values, Values]:
    return this_asset(after.task_id, after.index), _differing(rows.asset_values(before), rows.asset_values(after))


def _differing(before: Values, after: Values) -> Values:
    """What is written is put into each index that has it, so nothing else is."""
    return {name: value for name, value in after.items() if value != before[name] and name not in _OF_SIDECARS}

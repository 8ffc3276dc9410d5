"""Tasks with their assets and history: loaded, decided upon elsewhere, saved whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from service.catalog import rows, tables
from service.catalog.bulk import Bulk
from service.catalog.dialects import Insert, insert_into
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


@cache  # built once for each database: it is on the path of every callback
def _upsert_task(dialect: str) -> Insert:
    """What others say is set when the row is new, and never written over: its sidecar, its claims, who named it."""
    statement = insert_into(dialect, tables.tasks)
    kept = (
        "seq",
        "id",
        "sidecar_version",
        "sidecar_claim",
        "sidecar_until",
        "sidecar_after",
        "check_claim",
        "check_until",
        "named_by",
        "named_bytes",
    )
    written = [column.name for column in tables.tasks.c if column.name not in kept]
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={name: statement.excluded[name] for name in written}
    )


@cache
def _inserting(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Bulk:
    return Bulk(insert_into(dialect.name, table), names, dialect)


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
        if not wanted:
            return {}
        query = sa.select(tables.tasks).where(tables.tasks.c.id.in_(wanted)).order_by(tables.tasks.c.id)
        found = self._connection.execute(query.with_for_update() if self._locks else query).mappings()
        states = {row["id"]: TaskState(rows.task_from(row), ()) for row in found}
        if states:
            grouped: dict[str, list[Asset]] = {}
            for row in self._connection.execute(
                sa.select(tables.assets)
                .where(tables.assets.c.task_id.in_(list(states)))
                .order_by(tables.assets.c.task_id, tables.assets.c.index)
            ).mappings():
                grouped.setdefault(row["task_id"], []).append(rows.asset_from(row))
            for task_id, assets in grouped.items():
                states[task_id] = TaskState(states[task_id].task, tuple(assets))
        return states

    def get(self, task_id: str) -> TaskState | None:
        return self.load([task_id]).get(task_id)

    def save(
        self, changes: Iterable[tuple[TaskState | None, TaskState]], *, named: Mapping[str, Named] = _NOBODY
    ) -> None:
        """Write what differs between each (before, after); `before` is None for a task that was not there.

        `named` tells of which new tasks we know by a callback alone.
        """
        new_tasks: list[dict[str, Any]] = []
        changed_tasks: list[dict[str, Any]] = []
        new_assets: list[dict[str, Any]] = []
        changed_assets: list[Asset] = []
        changes = list(changes)
        for before, after in changes:
            if before is None or before.task != after.task:
                values = rows.task_values(after.task) | _naming(named.get(after.task.id))
                (new_tasks if before is None else changed_tasks).append(values)
            known = {asset.index: asset for asset in before.assets} if before else {}
            for asset in after.assets:
                if asset.index not in known:
                    new_assets.append(rows.asset_values(asset))
                elif known[asset.index] != asset:
                    changed_assets.append(asset)
        if new_tasks:  # where somebody else was first, this fails, and is done again with what they wrote
            self._insert(tables.tasks, new_tasks)
        if changed_tasks:
            self._connection.execute(_upsert_task(self._connection.dialect.name), changed_tasks)
        SearchIndex(self._connection).follow((before.task if before else None, after.task) for before, after in changes)
        if new_assets:
            self._insert(tables.assets, new_assets)
        for asset in sorted(changed_assets, key=lambda one: (one.task_id, one.index)):
            self._connection.execute(
                sa.update(tables.assets)
                .where(tables.assets.c.task_id == asset.task_id, tables.assets.c.index == asset.index)
                .values(rows.asset_values(asset))
            )

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

    def _insert(self, table: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
        _inserting(table, tuple(values[0]), self._connection.dialect).insert(self._connection, values)

    def lengths_of_history(self, ids: Iterable[str]) -> dict[str, int]:
        """How many entries the history of each of these tasks has."""
        h = tables.history.c
        query = sa.select(h.task_id, sa.func.count()).where(h.task_id.in_(list(ids))).group_by(h.task_id)
        return {task_id: number for task_id, number in self._connection.execute(query)}  # noqa: C416 - rows

    def history(self, task_id: str) -> list[HistoryEntry]:
        query = sa.select(tables.history).where(tables.history.c.task_id == task_id).order_by(tables.history.c.seq)
        return [rows.entry_from(row) for row in self._connection.execute(query).mappings()]

"""The repairs that cannot make anything worse, each in one transaction that looks again before it writes.

An unknown image is never removed, and a sidecar that knows more than the catalog is never written over.
"""

from dataclasses import replace
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.rules import Rules
from service.storage import ObjectStore
from service.upkeep.findings import Finding, Kind
from service.upkeep.losses import with_losses

_HOW_LOST = {
    Kind.MISSING: "its archived bytes were gone",
    Kind.WRONG_SIZE: "its archived bytes were damaged",
    Kind.WRONG_HASH: "its archived bytes were damaged",
}
_REWRITTEN = frozenset(
    {Kind.SIDECAR_MISSING, Kind.SIDECAR_UNREADABLE, Kind.SIDECAR_STALE, Kind.SIDECAR_CONTRADICTS},
)


class Repair:
    """Repairs findings one by one."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, rules: Rules) -> None:
        self._catalog = catalog
        self._store = store
        self._rules = rules

    async def repair(self, finding: Finding) -> str | None:
        """What was done about it, None when nothing was. Raises Unavailable."""
        if finding.kind in _HOW_LOST:
            return await self._catalog.write(partial(_give_up_bytes, finding=finding, rules=self._rules))
        if finding.kind in _REWRITTEN:
            return await self._catalog.write(partial(_make_due, finding=finding))
        if finding.kind is Kind.DELETED_BYTES and await self._catalog.read(partial(_is_deleted, finding=finding)):
            return "removed" if await self._store.delete(finding.key) else None
        return None


def _give_up_bytes(tx: Transaction, *, finding: Finding, rules: Rules) -> str | None:
    """Have an archived image fetched again, or let it be dead."""
    state, index = _state(tx, finding), finding.index
    if state is None or index is None or state.assets[index].status is not AssetStatus.ARCHIVED:
        return None
    stored = state.assets[index].stored
    if stored is None or stored.object_key != finding.key:
        return None
    after, entries = with_losses(state, {index: _HOW_LOST[finding.kind]}, {}, now=tx.now, rules=rules)
    tx.tasks.save([(state, after)])
    tx.tasks.note([(state.task.id, entry) for entry in entries])
    asset = after.assets[index]
    return f"dead: {asset.reason}" if asset.status is AssetStatus.DEAD else "pending: it is fetched again"


def _make_due(tx: Transaction, *, finding: Finding) -> str | None:
    """Have a sidecar written again, by the server."""
    state = _state(tx, finding)
    if state is None:
        return None
    task = state.task
    if task.version == task.sidecar_version:
        tx.tasks.save([(state, TaskState(replace(task, version=task.version + 1), state.assets))])
    return "due: the server writes it again"


def _is_deleted(tx: Transaction, *, finding: Finding) -> bool:
    state, index = _state(tx, finding), finding.index
    return state is not None and index is not None and state.assets[index].status is AssetStatus.DELETED


def _state(tx: Transaction, finding: Finding) -> TaskState | None:
    return tx.tasks.get(finding.task_id) if finding.task_id is not None else None

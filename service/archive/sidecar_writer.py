"""Brings each task's sidecar to its task's version, as leased work."""

from datetime import timedelta

import structlog

from service.archive.sidecar import Evidence, render
from service.catalog.catalog import Catalog, Transaction
from service.catalog.work import ClaimedSidecar
from service.domain.object_key import sidecar_key
from service.storage import ObjectStore

log = structlog.get_logger(__name__)


class SidecarWriter:
    """Writes claimed sidecars: read the task, replace its document, record the version shown."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore) -> None:
        self._catalog = catalog
        self._store = store

    async def claim(self, limit: int) -> list[ClaimedSidecar]:
        return await self._catalog.write(lambda tx: tx.work.claim_sidecars(limit))

    async def release(self, claimed: ClaimedSidecar, *, after: timedelta = timedelta()) -> None:
        await self._catalog.write(lambda tx: tx.work.release_sidecar(claimed, after=after))

    async def work(self, claimed: ClaimedSidecar) -> None:
        """Write one sidecar; raises StorageUnavailable when the store does not take it."""
        key, document, version = await self._catalog.read(lambda tx: _document(tx, claimed.task_id))
        await self._store.replace(key, document)
        ours = await self._catalog.write(lambda tx: tx.work.finish_sidecar(claimed, version))
        log.debug("sidecar_written", task_id=claimed.task_id, version=version, counted=ours)


def _document(tx: Transaction, task_id: str) -> tuple[str, bytes, int]:
    """Key, text and version of a task's sidecar, from one snapshot."""
    state = tx.tasks.get(task_id)
    assert state is not None, "tasks are never removed"
    task = state.task
    assert task.archive_date is not None, "only dated tasks are claimed"
    evidence = [
        Evidence(
            row["origin"],
            row["body_sha256"],
            row["token_id"],
            row["verdict"],
            row["deliveries"],
            row["received_at"],
            callback_id=row["id"],
            status=row["status"],
            size=row["bytes"],
        )
        for row in tx.inbox.hashes_of(task_id)
    ]
    document = render(task, state.assets, tx.tasks.history(task_id), evidence)
    return sidecar_key(task.source, task.archive_date, task.id), document, task.version

"""Brings each task's sidecar to its task's version, as leased work, and lets others follow what has changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from service.archive.sidecar import Evidence, render
from service.catalog.catalog import Catalog, Transaction
from service.catalog.work import ClaimedSidecar
from service.domain.object_key import sidecar_key
from service.errors import Unavailable
from service.observability.tracing import NO_TRACING, SpanName, Tracing
from service.storage import ObjectStore

FollowUp = Callable[[Transaction, str], bool]
"""What else a task's change leads to, in the transaction that notes its sidecar, and whether somebody is to be told of
it; it may be called again for one."""

log = structlog.get_logger(__name__)


def nothing_follows(_tx: Transaction, _task_id: str) -> bool:
    """No costs are added up, and nobody is told."""
    return False


@dataclass(frozen=True, slots=True)
class _Finished:
    """Whether the claim was still ours, and whether somebody is to be told of what followed."""

    counted: bool
    told: bool = False


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is written of a task of this source: the object's key, its text, and the task's version that it shows."""

    source: str
    key: str
    document: bytes
    version: int


class SidecarWriter:
    """Writes claimed sidecars: read the task, replace its document, record the version shown.

    `followed` is called when what somebody is to be told of is durable.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        tracing: Tracing = NO_TRACING,
        follow_up: FollowUp = nothing_follows,
        followed: Callable[[], None] = lambda: None,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._tracing = tracing
        self._follow_up = follow_up
        self._followed = followed

    async def claim(self, limit: int) -> list[ClaimedSidecar]:
        return await self._catalog.write(lambda tx: tx.work.claim_sidecars(limit))

    async def release(self, claimed: ClaimedSidecar, *, after: timedelta = timedelta()) -> None:
        await self._catalog.write(lambda tx: tx.work.release_sidecar(claimed, after=after))

    async def work(self, claimed: ClaimedSidecar) -> None:
        """Write one sidecar; raises StorageUnavailable when the store does not take it."""
        started = time.monotonic()
        sidecar = await self._catalog.read(lambda tx: sidecar_of(tx, claimed.task_id))
        try:
            await self._store.replace(sidecar.key, sidecar.document)
            finished = await self._catalog.write(lambda tx: self._finish(tx, claimed, sidecar.version))
        except Unavailable as error:
            self._trace(claimed, sidecar, time.monotonic() - started, error)
            raise
        if finished.told:
            self._followed()
        log.debug("sidecar_written", task_id=claimed.task_id, version=sidecar.version, counted=finished.counted)
        self._trace(claimed, sidecar, time.monotonic() - started)

    def _finish(self, tx: Transaction, claimed: ClaimedSidecar, version: int) -> _Finished:
        """Where the claim was lost, whoever writes it again follows up."""
        if not tx.work.finish_sidecar(claimed, version):
            return _Finished(counted=False)
        return _Finished(counted=True, told=self._follow_up(tx, claimed.task_id))

    def _trace(
        self, claimed: ClaimedSidecar, sidecar: Sidecar, seconds: float, error: Unavailable | None = None
    ) -> None:
        if (trace := self._tracing.of(sidecar.source, claimed.task_id)) is None:
            return
        attributes = {
            "darkroom.sidecar.version": sidecar.version,
            "darkroom.sidecar.bytes": len(sidecar.document),
            "error.type": type(error).__name__ if error else None,
        }
        trace.span(SpanName.SIDECAR, seconds=seconds, attributes=attributes, error=str(error) if error else None)


def sidecar_of(tx: Transaction, task_id: str) -> Sidecar:
    """A task's sidecar as it has to be, from one snapshot."""
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
    return Sidecar(task.source, sidecar_key(task.source, task.archive_date, task.id), document, task.version)

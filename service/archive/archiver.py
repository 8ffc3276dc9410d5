"""One attempt to archive one asset: fetch to a staged file, prove it, store it, record the outcome under the claim.

A row says `archived` only after storage has confirmed; an outcome counts only while the claim is still ours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol, assert_never

import structlog

from service.archive.fetcher import Fetched
from service.archive.spans import newly_settled, tell_attempt, tell_settled
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.catalog.work import ClaimedAsset
from service.domain.apply_event import settle
from service.domain.asset import Asset, AssetStatus, Stored, archived, deleted, failed, superseded, wants_fresh_links
from service.domain.attempt import Failed
from service.domain.check import begin
from service.domain.link import link_host
from service.domain.object_key import asset_key
from service.domain.task import Task
from service.errors import Unavailable
from service.observability import Metrics
from service.observability.tracing import NO_TRACING, Tracing
from service.storage import ObjectStore

log = structlog.get_logger(__name__)


class Fetches(Protocol):
    """Fetches and proves one link; the file of what it fetched is the caller's. Raises Unavailable where that says
    nothing of the link."""

    async def fetch(self, link: str) -> Fetched | Failed: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an attempt changed: the asset as it stands now, whether the outcome counted, the task if that settled it."""

    asset: Asset | None
    counted: bool
    seconds_since_known: float = 0.0
    settled: TaskState | None = None


class Archiver:
    """Archives claimed assets; `jitter` gives numbers from 0 to 1."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        fetcher: Fetches,
        metrics: Metrics,
        sidecars: Nudge,
        purge: Nudge,
        reconcile: Nudge,
        jitter: Callable[[], float],
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._fetcher = fetcher
        self._metrics = metrics
        self._sidecars = sidecars
        self._purge = purge
        self._reconcile = reconcile
        self._jitter = jitter
        self._tracing = tracing

    async def claim(self, limit: int) -> list[ClaimedAsset]:
        return await self._catalog.write(lambda tx: tx.work.claim_assets(limit))

    async def release(self, claimed: ClaimedAsset, *, after: timedelta = timedelta()) -> None:
        """Hand a claim back without an outcome: it was not an attempt."""
        await self._catalog.write(lambda tx: tx.work.release_asset(claimed, after=after))

    async def work(self, claimed: ClaimedAsset) -> None:
        """Make one attempt. Raises Unavailable when our own storage or database is at fault: then nothing counts."""
        started = time.monotonic()
        state = claimed.state
        assert state is not None, "it was claimed with its task"
        link = state.assets[claimed.index].link
        try:
            outcome, recorded = await self._tried(claimed, state, link)
        except Unavailable as error:
            tell_attempt(self._tracing, state, claimed.index, error, seconds=time.monotonic() - started)
            raise
        seconds = time.monotonic() - started
        self._report(claimed, link, outcome, recorded, seconds)
        tell_attempt(self._tracing, state, claimed.index, outcome if recorded.counted else None, seconds=seconds)
        tell_settled(self._tracing, recorded.settled)

    async def _tried(
        self, claimed: ClaimedAsset, state: TaskState, link: str
    ) -> tuple[Stored | Failed | None, Recorded]:
        """Make the attempt and write down what came of it."""
        outcome = await self._attempt(state, claimed, link)
        recorded = Recorded(None, counted=False)
        if outcome is not None:
            recorded = await self._catalog.write(
                partial(record, claimed=claimed, link=link, outcome=outcome, jitter=self._jitter())
            )
        if (stray := _stray(outcome, recorded)) is not None:
            await self._store.delete(stray)
        return outcome, recorded

    async def _attempt(self, state: TaskState, claimed: ClaimedAsset, link: str) -> Stored | Failed | None:
        """What the attempt came to; None where the image was deleted meanwhile, so that nothing was stored."""
        fetched = await self._fetcher.fetch(link)
        match fetched:
            case Failed():
                return fetched
            case Fetched():
                task = state.task
                assert task.archive_date is not None
                hashed, form = fetched.sha256, fetched.image.format
                key = asset_key(task.source, task.archive_date, task.id, claimed.index, hashed, form)
                try:
                    if await self._catalog.read(lambda tx: tx.work.is_deleted(claimed)):
                        return None  # the purge waits for puts that have begun, not for any that begin later
                    await self._store.put(key, fetched.path)
                finally:
                    fetched.path.unlink(missing_ok=True)
                return Stored(key, fetched.sha256, fetched.size, fetched.image)
            case _:
                assert_never(fetched)

    def _report(
        self, claimed: ClaimedAsset, link: str, outcome: Stored | Failed | None, recorded: Recorded, seconds: float
    ) -> None:
        """One canonical line and the metrics of an attempt; wakes who has to go on."""
        line = log.bind(task_id=claimed.task_id, index=claimed.index, host=link_host(link), seconds=round(seconds, 3))
        asset = recorded.asset
        if asset is None or outcome is None or not recorded.counted:
            line.info("asset_outcome_dropped", reason="the claim was lost or the image deleted")
            self._purge.nudge()
            return
        line = line.bind(attempt=asset.attempts)
        if isinstance(outcome, Stored):
            line.info("asset_archived", bytes=outcome.size, sha256=outcome.sha256)
            self._metrics.attempt("archived")
            self._metrics.archived(seconds=recorded.seconds_since_known, size=outcome.size)
        else:
            died = asset.status is AssetStatus.DEAD
            line.warning(
                "asset_dead" if died else "asset_attempt_failed",
                failure=outcome.failure.value,
                detail=outcome.detail,
                next_attempt_at=asset.next_attempt_at.isoformat() if asset.next_attempt_at else None,
            )
            self._metrics.attempt(outcome.failure.value)
            if asset.reason is not None:
                self._metrics.died(asset.reason.value)
            if wants_fresh_links(asset, outcome.failure):
                self._reconcile.nudge()
        self._sidecars.nudge()


def record(tx: Transaction, *, claimed: ClaimedAsset, link: str, outcome: Stored | Failed, jitter: float) -> Recorded:
    """Write an outcome down if the claim still counts; bytes stored for a deleted asset are handed to the purge."""
    state = tx.tasks.get(claimed.task_id)
    if state is None:
        return Recorded(None, counted=False)
    asset = state.assets[claimed.index]
    if not tx.work.holds_asset(claimed) or asset.status is not AssetStatus.PENDING:
        if asset.status is AssetStatus.DELETED and isinstance(outcome, Stored):
            _save(tx, state, state.task, replace(asset, stored=outcome))
            tx.work.bytes_came_late(claimed.task_id, claimed.index)
        return Recorded(asset, counted=False)
    counted, task = True, state.task
    if isinstance(outcome, Failed):
        if link not in asset.links:
            after = superseded(asset, outcome, now=tx.now)
        else:
            after = failed(asset, outcome, tried=link, now=tx.now, jitter=jitter)
            if wants_fresh_links(after, outcome.failure):
                task = replace(task, check=begin(task.check, tx.now))
    elif _was_deleted(outcome, state):
        after = replace(deleted(asset), stored=outcome, purged=False)
        counted = False
    else:
        after = archived(asset, outcome, now=tx.now)
    saved = _save(tx, state, task, after)
    tx.work.release_asset(claimed)
    seconds = (tx.now - asset.created_at).total_seconds()
    return Recorded(after, counted=counted, seconds_since_known=seconds, settled=newly_settled(state.task, saved))


def _stray(outcome: Stored | Failed | None, recorded: Recorded) -> str | None:
    """The key of bytes that nobody needs: a lost claim stored something else than what the image was archived as.

    Nothing is removed of an image that is not archived: while a removal is on its way, the same bytes may be archived
    under that name. What is left of a dead one `verify` names.
    """
    asset = recorded.asset
    if recorded.counted or asset is None or not isinstance(outcome, Stored):
        return None
    match asset.status:
        case AssetStatus.ARCHIVED if asset.stored is not None and asset.stored.object_key == outcome.object_key:
            return None
        case AssetStatus.ARCHIVED:
            return outcome.object_key
        case AssetStatus.PENDING | AssetStatus.DEAD | AssetStatus.DELETED:
            return None  # somebody else may be storing the same bytes; the purge sees to what was deleted
        case _:
            assert_never(asset.status)


def _was_deleted(outcome: Stored, state: TaskState) -> bool:
    """Whether these very bytes were deleted from this task: then they do not come back under another index."""
    return any(
        one.status is AssetStatus.DELETED and one.stored is not None and one.stored.sha256 == outcome.sha256
        for one in state.assets
    )


def _save(tx: Transaction, state: TaskState, task: Task, asset: Asset) -> TaskState:
    """Save one asset and what follows for its task; `state` is what was loaded, returned is what it came to.

    The sidecar shows a task when it settles, and when all that is left of it is on the ladder.
    """
    before = state.assets[asset.index]
    assets = tuple(asset if asset.index == one.index else one for one in state.assets)
    settled = settle(task, assets, now=tx.now)
    only_the_ladder_is_left = all(one.status is not AssetStatus.PENDING or one.attempts for one in assets)
    is_news = asset.status is not before.status or asset.attempts == 1
    if settled != task or (only_the_ladder_is_left and is_news):
        settled = replace(settled, version=settled.version + 1)
    after = TaskState(settled, assets)
    tx.tasks.save([(state, after)])
    return after

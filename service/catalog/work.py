"""Leased work: which assets and sidecars are due, who works on them, and whose outcome counts."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.dialects import in_its_index
from service.catalog.tables import assets, tasks
from service.domain.asset import AssetStatus
from service.domain.lease import LEASE, counts
from service.domain.object_key import folder

OPEN = ("pending", "processing")
"""Statuses of tasks that are not known to have ended."""

_SIDECAR_BEHIND = (tasks.c.version > tasks.c.sidecar_version, tasks.c.archive_date.is_not(None))

LATE_BYTES = timedelta(minutes=6)
"""How long after an image was deleted bytes may still come for it from whoever was storing it then.

Nobody begins to store what is deleted. The longest put lasts 40 s and what 64 MiB take at 256 KiB a second, 296 s in
all; the rest is for what a store does with an upload that was given up.
"""


@dataclass(frozen=True, slots=True)
class ClaimedAsset:
    """The right to archive one asset."""

    task_id: str
    index: int
    claim: str


@dataclass(frozen=True, slots=True)
class ClaimedSidecar:
    """The right to write one task's sidecar."""

    task_id: str
    claim: str


@dataclass(frozen=True, slots=True)
class ToPurge:
    """A deleted asset and the folder that its bytes may lie in.

    `open_until` changes when bytes arrive for it; `may_get_more`: somebody may be storing bytes for it just now.
    """

    seq: int
    task_id: str
    index: int
    folder: str
    open_until: datetime | None
    may_get_more: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Assets that are not archived and tasks that are not known to have ended, and when the first of their links dies.

    An open task counts because its callback may be lost: then its links, which we have not seen, run out all the same.
    `oldest` is when the longest-waiting of the assets became known. `sidecars` do not show their tasks as they are yet.
    """

    assets: int
    tasks: int
    sidecars: int
    next_expiry: datetime | None
    oldest: datetime | None


class Work:
    """Claims within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime, *, locks: bool = True) -> None:
        self._connection = connection
        self._now = now
        self._locks = locks

    def claim_assets(self, limit: int) -> list[ClaimedAsset]:
        """Claim due assets, nearest deadline first."""
        due = (
            sa.select(assets.c.seq, assets.c.task_id, assets.c.index)
            .where(
                in_its_index(self._connection.dialect.name, assets.c.status == sa.literal_column("'pending'")),
                assets.c.next_attempt_at <= self._now,
                sa.or_(assets.c.claimed_until.is_(None), assets.c.claimed_until <= self._now),
            )
            .order_by(assets.c.deadline)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed: list[ClaimedAsset] = []
        for seq, task_id, index in self._connection.execute(due).all():
            claim = secrets.token_hex(8)
            self._connection.execute(
                sa.update(assets).where(assets.c.seq == seq).values(claim=claim, claimed_until=self._now + LEASE)
            )
            claimed.append(ClaimedAsset(task_id, index, claim))
        return claimed

    def holds_asset(self, claimed: ClaimedAsset) -> bool:
        """Whether this claim is still the asset's, so that its outcome counts. Whoever writes loads its task before:
        all lock the task before its assets, otherwise two could wait for each other."""
        query = sa.select(assets.c.claim).where(_is(claimed))
        held = self._connection.execute(query.with_for_update() if self._locks else query).scalar()
        return counts(held, claimed.claim)

    def is_deleted(self, claimed: ClaimedAsset) -> bool:
        """Whether somebody has deleted the asset since it was claimed."""
        query = sa.select(assets.c.status).where(_is(claimed))
        return self._connection.execute(query).scalar() == AssetStatus.DELETED.value

    def release_asset(self, claimed: ClaimedAsset, *, after: timedelta = timedelta()) -> None:
        """Give an asset back without an outcome; `after` keeps everyone off it for a while."""
        values: dict[str, object] = {"claim": None, "claimed_until": None}
        if after:
            values["next_attempt_at"] = self._now + after
        self._connection.execute(sa.update(assets).where(_is(claimed), assets.c.claim == claimed.claim).values(values))

    def drop_claim(self, task_id: str, index: int) -> None:
        """Take a deleted asset away from whoever holds it: their outcome will not count, and the purge waits for it.

        A claim whose lease is over counts too: its holder may only be slow.
        """
        until = sa.literal(self._now + LATE_BYTES, UtcTime())
        self._connection.execute(
            sa.update(assets)
            .where(assets.c.task_id == task_id, assets.c.index == index)
            .values(claim=None, claimed_until=sa.case((assets.c.claim.is_not(None), until)))
        )

    def bytes_came_late(self, task_id: str, index: int) -> None:
        """Bytes were stored for an asset that is deleted: who has looked for some before must not call it purged."""
        a, now = assets.c, sa.literal(self._now, UtcTime())
        until = sa.case((a.claimed_until > now, a.claimed_until), else_=now)
        self._connection.execute(
            sa.update(assets)
            .where(a.task_id == task_id, a.index == index, a.status == "deleted")
            .values(purged=False, claimed_until=until)
        )

    def claim_sidecars(self, limit: int) -> list[ClaimedSidecar]:
        """Claim tasks whose version is ahead of their sidecar's."""
        due = (
            sa.select(tasks.c.id)
            .where(
                *_SIDECAR_BEHIND,
                sa.or_(tasks.c.sidecar_after.is_(None), tasks.c.sidecar_after <= self._now),
                sa.or_(tasks.c.sidecar_until.is_(None), tasks.c.sidecar_until <= self._now),
            )
            .order_by(tasks.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed: list[ClaimedSidecar] = []
        for task_id in self._connection.execute(due).scalars().all():
            claim = secrets.token_hex(8)
            self._connection.execute(
                sa.update(tasks)
                .where(tasks.c.id == task_id)
                .values(sidecar_claim=claim, sidecar_until=self._now + LEASE)
            )
            claimed.append(ClaimedSidecar(task_id, claim))
        return claimed

    def finish_sidecar(self, claimed: ClaimedSidecar, version: int) -> bool:
        """Record which version a sidecar shows; when the claim was lost, have it written again."""
        query = sa.select(tasks.c.sidecar_claim).where(tasks.c.id == claimed.task_id).with_for_update()
        held = self._connection.execute(query).scalar()
        ours = counts(held, claimed.claim)
        values: dict[str, object] = {"sidecar_claim": None, "sidecar_until": None, "sidecar_version": version}
        self._connection.execute(
            sa.update(tasks)
            .where(tasks.c.id == claimed.task_id)
            .values(values if ours else {"version": tasks.c.version + 1})
        )
        return ours

    def release_sidecar(self, claimed: ClaimedSidecar, *, after: timedelta = timedelta()) -> None:
        self._connection.execute(
            sa.update(tasks)
            .where(tasks.c.id == claimed.task_id, tasks.c.sidecar_claim == claimed.claim)
            .values(sidecar_claim=None, sidecar_until=None, sidecar_after=self._now + after)
        )

    def renew_assets(self, held: Iterable[ClaimedAsset]) -> None:
        """Prolong the leases of assets that are still being worked on."""
        until = self._now + LEASE
        for asset in sorted(held, key=lambda one: (one.task_id, one.index)):  # one order, as above
            self._connection.execute(
                sa.update(assets).where(_is(asset), assets.c.claim == asset.claim).values(claimed_until=until)
            )

    def renew_sidecars(self, held: Iterable[ClaimedSidecar]) -> None:
        until = self._now + LEASE
        for sidecar in sorted(held, key=lambda one: one.task_id):
            self._connection.execute(
                sa.update(tasks)
                .where(tasks.c.id == sidecar.task_id, tasks.c.sidecar_claim == sidecar.claim)
                .values(sidecar_until=until)
            )

    def clear_leases(self) -> None:
        """Forget every claim: right only while no other server can be alive (SQLite at start)."""
        a, t = assets.c, tasks.c
        fetched = sa.and_(a.status == "pending", a.claim.is_not(None))  # what is claimed is found by an index
        self._connection.execute(sa.update(assets).where(fetched).values(claim=None, claimed_until=None))
        written = sa.and_(*_SIDECAR_BEHIND, t.sidecar_claim.is_not(None))
        self._connection.execute(sa.update(tasks).where(written).values(sidecar_claim=None, sidecar_until=None))

    def to_purge(self, limit: int, *, after: int = 0) -> list[ToPurge]:
        """Deleted assets whose bytes may still be there, in order of `seq`."""
        a = assets.c
        query = (
            sa.select(a.seq, a.task_id, a.index, a.claimed_until, tasks.c.source, tasks.c.archive_date)
            .join(tasks, tasks.c.id == a.task_id)
            .where(a.status == "deleted", sa.not_(a.purged), a.seq > after)
            .order_by(a.seq)
            .limit(limit)
        )
        return [
            ToPurge(seq, task_id, index, folder(source, day, task_id), until, self._may_get_more(until))
            for seq, task_id, index, until, source, day in self._connection.execute(query)
        ]

    def mark_purged(self, one: ToPurge) -> None:
        """Note that nothing is left of it, unless bytes came for it since it was looked up."""
        same = assets.c.claimed_until.is_not_distinct_from(one.open_until)
        self._connection.execute(
            sa.update(assets)
            .where(assets.c.seq == one.seq, assets.c.status == "deleted", same)
            .values(purged=True, claimed_until=None)
        )

    def _may_get_more(self, until: datetime | None) -> bool:
        """Whether that time is to come; one that lies too far ahead was written while the clock was."""
        return until is not None and self._now < until <= self._now + 2 * LATE_BYTES

    def waiting(self) -> Waiting:
        """How many assets, tasks and sidecars wait, the nearest deadline, and how old the oldest asset is."""
        pending = sa.select(sa.func.count(), sa.func.min(assets.c.deadline)).where(assets.c.status == "pending")
        waiting_assets, of_assets = self._connection.execute(pending).one()
        open_tasks = sa.select(sa.func.count(), sa.func.min(tasks.c.deadline)).where(tasks.c.status.in_(OPEN))
        waiting_tasks, of_tasks = self._connection.execute(open_tasks).one()
        deadlines = [deadline for deadline in (of_assets, of_tasks) if deadline is not None]
        first = sa.select(assets.c.created_at).where(assets.c.status == "pending").order_by(assets.c.seq).limit(1)
        oldest = self._connection.execute(first).scalar()  # numbers follow time, and have an index
        behind = sa.select(sa.func.count()).where(*_SIDECAR_BEHIND)
        sidecars = self._connection.execute(behind).scalar_one()
        return Waiting(waiting_assets, waiting_tasks, sidecars, min(deadlines, default=None), oldest)


def _is(claimed: ClaimedAsset) -> sa.ColumnElement[bool]:
    return sa.and_(assets.c.task_id == claimed.task_id, assets.c.index == claimed.index)

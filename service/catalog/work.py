"""Leased work: which assets and sidecars are due, who works on them, and whose outcome counts."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.dialects import in_its_index
from service.catalog.one_asset import ONE_ASSET, this_asset
from service.catalog.prepared import Prepared
from service.catalog.tables import assets, tasks
from service.catalog.tasks import Tasks, TaskState
from service.domain.asset import AssetStatus
from service.domain.lease import LEASE, counts
from service.domain.object_key import folder

OPEN = ("pending", "processing")
"""Statuses of tasks that are not known to have ended."""

_SIDECAR_BEHIND = (tasks.c.version > tasks.c.sidecar_version, tasks.c.archive_date.is_not(None))

_NOW = sa.bindparam("now", type_=UtcTime())


@cache  # built once for each database, as building takes longer than the database does
def _due_assets(dialect: str) -> Prepared:
    a = assets.c
    return Prepared(
        sa.select(a.seq, a.task_id, a.index)
        .where(
            in_its_index(dialect, a.status == sa.literal_column("'pending'")),
            a.next_attempt_at <= _NOW,
            sa.or_(a.claimed_until.is_(None), a.claimed_until <= _NOW),
        )
        .order_by(a.deadline)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True)
    )


_JUST_KNOWN = sa.and_(
    tasks.c.version == 1,
    tasks.c.settled_at.is_(None),
    tasks.c.received_at.between(sa.bindparam("lately", type_=UtcTime()), _NOW),
)
_DUE_SIDECARS = Prepared(
    sa.select(tasks.c.id)
    .where(
        *_SIDECAR_BEHIND,
        sa.not_(_JUST_KNOWN),
        sa.or_(tasks.c.sidecar_after.is_(None), tasks.c.sidecar_after <= _NOW),
        sa.or_(tasks.c.sidecar_until.is_(None), tasks.c.sidecar_until <= _NOW),
    )
    .order_by(tasks.c.seq)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIMING_ASSETS = Prepared(
    sa.update(assets).where(assets.c.seq == sa.bindparam("which")), sets=("claim", "claimed_until")
)
_STATUS = Prepared(sa.select(assets.c.status).where(*ONE_ASSET))
_HOLDER = Prepared(sa.select(assets.c.claim).where(*ONE_ASSET).with_for_update())
_WHILE_OURS = sa.update(assets).where(*ONE_ASSET, assets.c.claim == sa.bindparam("mine"))
_RELEASING_ASSET = Prepared(_WHILE_OURS.values(claim=None, claimed_until=None))
_PUTTING_OFF_ASSET = Prepared(_WHILE_OURS.values(claim=None, claimed_until=None), sets=("next_attempt_at",))
_RENEWING_ASSET = Prepared(_WHILE_OURS, sets=("claimed_until",))
_CLAIMING_SIDECARS = Prepared(
    sa.update(tasks).where(tasks.c.id == sa.bindparam("which")), sets=("sidecar_claim", "sidecar_until")
)
_FINISHING_SIDECAR = Prepared(
    sa.update(tasks)
    .where(tasks.c.id == sa.bindparam("which"), tasks.c.sidecar_claim == sa.bindparam("mine"))
    .values(sidecar_claim=None, sidecar_until=None),
    sets=("sidecar_version",),
)

CHANGES_SOON = timedelta(seconds=5)
"""How long the sidecar of a task that a callback was the first to tell of waits for what happens to it: most images are
archived by then, and it is written once rather than twice."""

LATE_BYTES = timedelta(minutes=6)
"""How long after an image was deleted bytes may still come for it from whoever was storing it then.

Nobody begins to store what is deleted. The longest put lasts 40 s and what 64 MiB take at 256 KiB a second, 296 s in
all; the rest is for what a store does with an upload that was given up.
"""


@dataclass(frozen=True, slots=True)
class ClaimedAsset:
    """The right to archive one asset; `state` is its task as it was when it was claimed."""

    task_id: str
    index: int
    claim: str
    state: TaskState | None = field(default=None, compare=False, repr=False)


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

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def claim_assets(self, limit: int) -> list[ClaimedAsset]:
        """Claim due assets, nearest deadline first."""
        due = _due_assets(self._connection.dialect.name)
        found = due.all(self._connection, {"now": self._now, "most": limit})
        # not locked, as their assets are already, and all others lock tasks first
        states = Tasks(self._connection, locks=False).load({row["task_id"] for row in found})
        claimed: list[ClaimedAsset] = []
        claims: list[dict[str, object]] = []
        for row in found:
            task_id = row["task_id"]
            claimed.append(ClaimedAsset(task_id, row["index"], secrets.token_hex(8), states[task_id]))
            claims.append({"which": row["seq"], "claim": claimed[-1].claim, "claimed_until": self._now + LEASE})
        if claims:
            _CLAIMING_ASSETS.change(self._connection, *claims)
        return claimed

    def holds_asset(self, claimed: ClaimedAsset) -> bool:
        """Whether this claim is still the asset's, so that its outcome counts; it is locked. Load its task before: all
        lock the task before its assets, otherwise two could wait for each other."""
        held = _HOLDER.scalar(self._connection, this_asset(claimed.task_id, claimed.index))
        return counts(held, claimed.claim)

    def is_deleted(self, claimed: ClaimedAsset) -> bool:
        """Whether somebody has deleted the asset since it was claimed."""
        status: str | None = _STATUS.scalar(self._connection, this_asset(claimed.task_id, claimed.index))
        return status == AssetStatus.DELETED.value

    def release_asset(self, claimed: ClaimedAsset, *, after: timedelta = timedelta()) -> None:
        """Give an asset back without an outcome; `after` keeps everyone off it for a while."""
        if after:
            _PUTTING_OFF_ASSET.change(self._connection, {**_mine(claimed), "next_attempt_at": self._now + after})
        else:
            _RELEASING_ASSET.change(self._connection, _mine(claimed))

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
        """Claim tasks whose version is ahead of their sidecar's, but for those which have only just become known."""
        when = {"now": self._now, "lately": self._now - CHANGES_SOON, "most": limit}
        found = _DUE_SIDECARS.all(self._connection, when)
        claimed = [ClaimedSidecar(row["id"], secrets.token_hex(8)) for row in found]
        if claimed:
            until = self._now + LEASE
            claims = [{"which": one.task_id, "sidecar_claim": one.claim, "sidecar_until": until} for one in claimed]
            _CLAIMING_SIDECARS.change(self._connection, *claims)
        return claimed

    def finish_sidecar(self, claimed: ClaimedSidecar, version: int) -> bool:
        """Record which version a sidecar shows; when the claim was lost, have it written again."""
        finishing = {"which": claimed.task_id, "mine": claimed.claim, "sidecar_version": version}
        if _FINISHING_SIDECAR.change(self._connection, finishing):
            return True
        again = sa.update(tasks).where(tasks.c.id == claimed.task_id).values(version=tasks.c.version + 1)
        self._connection.execute(again)
        return False

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
            _RENEWING_ASSET.change(self._connection, {**_mine(asset), "claimed_until": until})

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


def _mine(claimed: ClaimedAsset) -> dict[str, object]:
    return {**this_asset(claimed.task_id, claimed.index), "mine": claimed.claim}

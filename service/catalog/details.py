"""What archived images tell of themselves: which are to be looked at, by whom, and which look alike."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.catalog import rows
from service.catalog.columns import UtcTime
from service.catalog.one_asset import ONE_ASSET, this_asset
from service.catalog.prepared import Prepared, Row
from service.catalog.tables import UNSEEN, assets
from service.domain.asset import Asset
from service.domain.details import Looked
from service.domain.lease import LEASE
from service.domain.likeness import QUARTERS, Quarters, near

MOST_CANDIDATES = 20_000
"""Images compared for one question; where more share a quarter with it, some may be passed over."""

MOST_COUNTED = 100_000
"""Images that are counted as waiting; there may be more, and nobody waits for the difference."""

_VALUES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class ClaimedDetails:
    """The right to look at one archived image; `archived_at` is when it came."""

    task_id: str
    index: int
    claim: str
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may look like the one asked about, and its hash."""

    seq: int
    alike: Quarters


_CLAIMING = Prepared(
    sa.update(assets).where(assets.c.seq == sa.bindparam("which")), sets=("details_claim", "details_after")
)
_HOLDER = Prepared(sa.select(assets.c.details_claim).where(*ONE_ASSET))
_WHILE_OURS = sa.update(assets).where(*ONE_ASSET, assets.c.details_claim == sa.bindparam("mine"))
_RENEWING = Prepared(_WHILE_OURS, sets=("details_after",))
_RELEASING = Prepared(_WHILE_OURS.values(details_claim=None), sets=("details_after",))

_DUE = (
    sa.select(assets.c.seq, assets.c.task_id, assets.c.index, assets.c.archived_at)
    .where(sa.text(UNSEEN), assets.c.details_version == sa.bindparam("version"))
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_WAITED = Prepared(
    _DUE.where(assets.c.details_after <= sa.bindparam("now", type_=UtcTime())).order_by(assets.c.details_after)
)
_NEWEST = Prepared(
    # in the order of the whole index, or PostgreSQL goes through the table, newest first, when nothing is due
    _DUE.where(assets.c.details_after.is_(None)).order_by(
        assets.c.details_version.desc(), assets.c.details_after.desc(), assets.c.seq.desc()
    )
)


class Details:
    """Within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def claim(self, limit: int, *, wanted: Looked, since: datetime | None = None) -> list[ClaimedDetails]:
        """Claim images that were not looked at as far as is wanted: first what waited, then the newest.

        Those that would be next but were archived before `since` are left; no others are sought in their place.
        """
        claimed: list[ClaimedDetails] = []
        for version in range(wanted.value):
            for due, when in ((_WAITED, {"now": self._now}), (_NEWEST, {})):
                if left := limit - len(claimed):
                    found = due.all(self._connection, {"version": version, "most": left, **when})
                    claimed += self._claimed(found, since)
        return claimed

    def waiting(self, *, wanted: Looked, most: int = MOST_COUNTED) -> int:
        """How many images were not looked at as far as is wanted, counted up to a number."""
        unseen = sa.and_(sa.text(UNSEEN), assets.c.details_version.in_(range(wanted.value)))
        some = sa.select(sa.literal(1)).select_from(assets).where(unseen).limit(most).subquery()
        return self._connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()

    def holds(self, claimed: ClaimedDetails) -> bool:
        """Whether the claim is still ours; the task has to be locked before."""
        holder: str | None = _HOLDER.scalar(self._connection, this_asset(claimed.task_id, claimed.index))
        return holder == claimed.claim

    def release(self, claimed: ClaimedDetails, *, after: timedelta | None = None) -> None:
        """Give an image back; `after` keeps everyone off it for a while."""
        values = {**_mine(claimed), "details_after": self._now + after if after else None}
        _RELEASING.change(self._connection, values)

    def renew(self, held: Iterable[ClaimedDetails]) -> None:
        """Prolong the leases of images that are still being looked at."""
        until = self._now + LEASE
        for one in sorted(held, key=lambda one: (one.task_id, one.index)):
            _RENEWING.change(self._connection, {**_mine(one), "details_after": until})

    def forget_claims(self) -> None:
        """Forget the claims of processes that are gone; what was put off for longer than a lease stays put off."""
        a = assets.c
        held = sa.and_(self._put_off(), a.details_after.is_not(None), a.details_claim.is_not(None))
        self._connection.execute(sa.update(assets).where(held).values(details_claim=None, details_after=None))

    def pull_in(self, latest: datetime) -> None:
        """Let nothing wait for longer than until then: it was put off while the clock was ahead."""
        later = sa.and_(self._put_off(), assets.c.details_after > latest)
        self._connection.execute(sa.update(assets).where(later).values(details_after=latest))

    def candidates(
        self, alike: Quarters, distance: int, *, most: int = MOST_CANDIDATES
    ) -> tuple[list[Candidate], bool]:
        """Images that share a quarter of their hash, or nearly, with this one; and whether these are all."""
        found: dict[int, Candidate] = {}
        for number in range(QUARTERS):
            values = list(near(alike[number], distance))
            for start in range(0, len(values), _VALUES_AT_ONCE):
                shared = self._sharing(number, values[start : start + _VALUES_AT_ONCE], most + 1)
                found |= {seq: Candidate(seq, (a, b, c, d)) for seq, a, b, c, d in shared}
                if len(found) > most:
                    return list(found.values())[:most], False
        return list(found.values()), True

    def archived(self, numbers: Iterable[int]) -> dict[int, Asset]:
        """The images of these numbers that are there, and not refuted."""
        a = assets.c
        query = sa.select(assets).where(a.seq.in_(list(numbers)), a.status == "archived", a.reason.is_(None))
        return {row["seq"]: rows.asset_from(row) for row in self._connection.execute(query).mappings()}

    def _sharing(self, number: int, values: list[int], limit: int) -> list[tuple[int, int, int, int, int]]:
        a = assets.c
        query = sa.select(a.seq, *(a[f"alike_{one}"] for one in range(QUARTERS)))
        own = a[f"alike_{number}"]
        query = query.where(own.in_(values), own.is_not(None)).limit(limit)
        return [(row[0], row[1], row[2], row[3], row[4]) for row in self._connection.execute(query)]

    def _put_off(self) -> sa.ColumnElement[bool]:
        """By its index, which begins with the version."""
        unfinished = [one.value for one in Looked if one is not Looked.AT_THE_PIXELS]
        return sa.and_(sa.text(UNSEEN), assets.c.details_version.in_(unfinished))

    def _claimed(self, due: Iterable[Row], since: datetime | None) -> list[ClaimedDetails]:
        claimed: list[ClaimedDetails] = []
        claims: list[dict[str, object]] = []
        for row in due:
            archived_at = row["archived_at"]
            if since is not None and archived_at is not None and archived_at < since:
                continue
            claimed.append(ClaimedDetails(row["task_id"], row["index"], secrets.token_hex(8), archived_at))
            claim = claimed[-1].claim
            claims.append({"which": row["seq"], "details_claim": claim, "details_after": self._now + LEASE})
        if claims:
            _CLAIMING.change(self._connection, *claims)
        return claimed


def _mine(claimed: ClaimedDetails) -> dict[str, object]:
    return {**this_asset(claimed.task_id, claimed.index), "mine": claimed.claim}

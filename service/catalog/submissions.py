"""What was submitted through us: kept before it is sent, with what became of it."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.catalog.prepared import Prepared, Row
from service.catalog.queries import Page
from service.catalog.submission_tables import OPEN_SUBMISSION, submissions
from service.catalog.tables import callbacks, tasks
from service.domain.budget import Reserved
from service.domain.submission import SEND_WITHIN, Submission, SubmissionStatus
from service.domain.task import Rank

SENDING_LEASE = SEND_WITHIN + timedelta(seconds=30)
"""How long a process has for a submission, with the wait for its turn; then it counts as dead."""

Condition = sa.ColumnElement[bool] | sa.TextClause

_PLAIN = [part.name for part in fields(Submission) if part.name not in ("status", "subjects", "tags")]
_SHOWN = [column for column in submissions.c if column.name not in ("request", "answer")]

# Asked of each task that changes.
_FIRST = sa.select(submissions).order_by(submissions.c.seq).limit(1).with_for_update()
_OF_TOKEN = Prepared(_FIRST.where(submissions.c.token_id == sa.bindparam("token")))
_HELD_BACK = Prepared(_FIRST.where(submissions.c.task_id == sa.bindparam("task"), submissions.c.reserved > 0))
_CALLBACK_URL = Prepared(
    sa.select(submissions.c.callback_url).where(submissions.c.task_id == sa.bindparam("task")).limit(1)
)

FILTERS = {
    "status": submissions.c.status,
    "key_name": submissions.c.key_name,
    "task_id": submissions.c.task_id,
}


class Submissions:
    """Submissions within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime, *, locks: bool = True) -> None:
        self._connection = connection
        self._now = now
        self._locks = locks

    def add(self, one: Submission, *, claim: str) -> None:
        self._connection.execute(sa.insert(submissions).values(**_values(one), **self._claimed(claim)))

    def save(self, one: Submission, *, claim: str | None = None, still_ours: bool = False) -> None:
        """Write what became of it; it is claimed anew, by nobody, or as it was where it is `still_ours`."""
        claimed = {} if still_ours else self._claimed(claim)
        self._connection.execute(
            sa.update(submissions).where(submissions.c.id == one.id).values(**_values(one), **claimed)
        )

    def get(self, submission_id: str) -> Submission | None:
        return self._one(submissions.c.id == submission_id)

    def of_task(self, task_id: str) -> Submission | None:
        return self._one(submissions.c.task_id == task_id)

    def callback_url_of(self, task_id: str) -> str | None:
        """The callback URL of the client that submitted a task through us, if it gave one."""
        url: str | None = _CALLBACK_URL.scalar(self._connection, {"task": task_id})
        return url

    def under_key(self, key_name: str, idempotency_key: str) -> Submission | None:
        """The submission of an API key under an Idempotency-Key."""
        return self._one(submissions.c.key_name == key_name, submissions.c.idempotency_key == idempotency_key)

    def orphan(self, key_name: str, fingerprint: str, *, since: datetime) -> Submission | None:
        """The same request without an Idempotency-Key, kept since then, whose client surely got no answer."""
        s = submissions.c
        return self._one(
            sa.text(OPEN_SUBMISSION),
            s.key_name == key_name,
            s.fingerprint == fingerprint,
            s.idempotency_key.is_(None),
            s.kept_at >= since,
            sa.or_(s.claimed_until.is_(None), s.claimed_until <= self._now),
        )

    def lapsed(self, limit: int) -> list[Submission]:
        """Those whose process died while it sent them."""
        s = submissions.c
        return self._some(
            limit,
            sa.text(OPEN_SUBMISSION),
            s.status == SubmissionStatus.SENDING.value,
            sa.or_(s.claimed_until.is_(None), s.claimed_until <= self._now),
        )

    def due(self, limit: int) -> list[Submission]:
        """Those that may have arrived, and are to be looked for now."""
        s = submissions.c
        unclear = s.status == SubmissionStatus.UNCLEAR.value
        return self._some(limit, sa.text(OPEN_SUBMISSION), unclear, s.look_at <= self._now)

    def any_to_find(self) -> bool:
        """Whether any is lapsed or due."""
        s = submissions.c
        lapsed = sa.and_(s.status == "sending", sa.or_(s.claimed_until.is_(None), s.claimed_until <= self._now))
        due = sa.and_(s.status == "unclear", s.look_at <= self._now)
        query = sa.select(s.seq).where(sa.text(OPEN_SUBMISSION), sa.or_(lapsed, due)).limit(1)
        return self._connection.execute(query).first() is not None

    def unclear(self) -> int:
        """How many may have arrived, and are not known to."""
        unclear = submissions.c.status == SubmissionStatus.UNCLEAR.value
        query = sa.select(sa.func.count()).where(sa.text(OPEN_SUBMISSION), unclear)
        return self._connection.execute(query).scalar_one()

    def unresolved(self, limit: int) -> list[Submission]:
        """All that are on their way, or may have arrived."""
        s = submissions.c
        open_ones = s.status.in_((SubmissionStatus.SENDING.value, SubmissionStatus.UNCLEAR.value))
        return self._some(limit, sa.text(OPEN_SUBMISSION), open_ones)

    def forget_claims(self) -> None:
        """Of processes that are gone: right only while no other server can be alive (SQLite at start)."""
        s = submissions.c
        held = sa.and_(sa.text(OPEN_SUBMISSION), s.claim.is_not(None))
        self._connection.execute(sa.update(submissions).where(held).values(claim=None, claimed_until=None))

    def heard_of(self, token_ids: Collection[str]) -> dict[str, str]:
        """Tasks that the provider vouches for and that are their tokens' own, by token."""
        c, t = callbacks.c, tasks.c
        query = (
            sa.select(c.token_id, t.id)
            .join(tasks, sa.and_(t.id == c.task_id, t.token_id == c.token_id))
            .where(c.token_id.in_(list(token_ids)), sa.or_(t.confirmed, t.rank > int(Rank.NOTHING)))
            .distinct()
        )
        return {token_id: task_id for token_id, task_id in self._connection.execute(query)}  # noqa: C416 - rows

    def called_back(self, token_ids: Collection[str]) -> set[str]:
        """Those of these tokens that anything came through, believed or not."""
        c = callbacks.c
        query = sa.select(c.token_id).where(c.token_id.in_(list(token_ids))).distinct()
        return {token_id for token_id in self._connection.execute(query).scalars() if token_id is not None}

    def of_token(self, token_id: str) -> Submission | None:
        """The submission that was sent with a callback URL, locked until the transaction ends."""
        row = _OF_TOKEN.first(self._connection, {"token": token_id})
        return _submission(row) if row is not None else None

    def pull_in(self, latest: datetime) -> None:
        """Bring back what a clock that was ahead has put later than that: looks, claims, and when it was sent."""
        s, lease = submissions.c, self._now + SENDING_LEASE
        open_ones = sa.update(submissions).where(sa.text(OPEN_SUBMISSION))
        self._connection.execute(open_ones.where(s.look_at > latest).values(look_at=self._now))
        self._connection.execute(open_ones.where(s.claimed_until > lease).values(claimed_until=lease))
        self._connection.execute(open_ones.where(s.sent_at > self._now).values(sent_at=self._now))

    def claims(self, task_ids: Collection[str]) -> dict[str, bool]:
        """Those of these tasks that we know, by whether they belong to a callback URL or a submission.

        The others somebody told us of; what was only seen in the provider's list is not known.
        """
        t, s = tasks.c, submissions.c
        submitted = sa.exists().where(s.task_id == t.id)
        owned = sa.or_(t.token_id.is_not(None), submitted)
        query = sa.select(t.id, owned).where(t.id.in_(list(task_ids)), sa.or_(sa.not_(t.stranger), owned))
        return {task_id: bool(one) for task_id, one in self._connection.execute(query)}

    def settle_reservation(self, task_id: str) -> Reserved | None:
        """What was held back for a task, once: from now on it is nothing."""
        row = _HELD_BACK.first(self._connection, {"task": task_id})
        if row is None:
            return None
        one = _submission(row)
        self._connection.execute(sa.update(submissions).where(submissions.c.id == one.id).values(reserved=0))
        return Reserved(one.subjects, one.day, one.reserved)

    def page(self, *, filters: Mapping[str, str], after: int | None, limit: int) -> Page[sa.RowMapping]:
        """Newest first, without requests and answers."""
        query = sa.select(*_SHOWN).where(*(FILTERS[name] == value for name, value in filters.items()))
        if after is not None:
            query = query.where(submissions.c.seq < after)
        found = list(self._connection.execute(query.order_by(submissions.c.seq.desc()).limit(limit + 1)).mappings())
        return Page(found[:limit], found[limit - 1]["seq"] if len(found) > limit else None)

    def _one(self, *which: Condition) -> Submission | None:
        found = self._some(1, *which)
        return found[0] if found else None

    def _some(self, limit: int, *which: Condition) -> list[Submission]:
        query = sa.select(submissions).where(*which).order_by(submissions.c.seq).limit(limit)
        found = self._connection.execute(query.with_for_update() if self._locks else query).mappings()
        return [_submission(row) for row in found]

    def _claimed(self, claim: str | None) -> dict[str, Any]:
        return {"claim": claim, "claimed_until": self._now + SENDING_LEASE if claim is not None else None}


def _values(one: Submission) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _PLAIN}
    return {**values, "status": one.status.value, "subjects": list(one.subjects), "tags": dict(one.tags)}


def _submission(row: Row) -> Submission:
    return Submission(
        **{name: row[name] for name in _PLAIN},
        status=SubmissionStatus(row["status"]),
        subjects=tuple(row["subjects"]),
        tags=row["tags"],
    )

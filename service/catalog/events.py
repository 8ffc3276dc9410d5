"""Events for others, and whom they have reached. It must not know what is in them.

Deliveries of one task to one endpoint stand in a line, and only the first that is pending has a time to be made: what
stands behind one that fails is not looked at again and again. Whoever adds to a line, or ends something in it, has it
locked while they look who is the first.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.delivery_filter import Delivery, DeliveryFilter, delivery_from, shown
from service.catalog.dialects import in_its_index, insert_into
from service.catalog.queries import Page
from service.catalog.submission_tables import deliveries, events, submissions
from service.domain.announcement import CALLER, Announcement
from service.domain.host import normalised_host
from service.domain.lease import LEASE
from service.domain.telling import DeliveryStatus, Progress, share_out, within_hosts

WINDOW = 5000
"""Numbers that one look for something to replay goes through at most, so that no transaction is a long one."""

TOGETHER = 100
"""Deliveries that one transaction replays."""

SEEN, PUT_OFF = 100, timedelta(seconds=10)
"""How many calls to clients are looked at for a place, and how long those wait that stand before all others in vain."""

_Due = tuple[int, str, str]
"""A delivery's number, its task, and the host that a client is called at."""


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """The right to tell one endpoint of one event."""

    seq: int
    task_id: str
    endpoint: str
    claim: str
    host: str = ""  # that a client is called at


@dataclass(frozen=True, slots=True)
class Untold:
    """How many deliveries are pending, and when the first thing happened that is to be told."""

    pending: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Matching:
    """Numbers of deliveries that match; the next ones begin after `end`."""

    seqs: tuple[int, ...]
    end: int


_IS_PENDING = deliveries.c.status == DeliveryStatus.PENDING.value
"""Where all of them are wanted: SQLite goes through the whole table where it takes this for likely."""


@cache  # built once for each database, as every transaction has them
def _in_its_index(dialect: str, status: DeliveryStatus) -> sa.ColumnElement[bool]:
    return in_its_index(dialect, deliveries.c.status == sa.literal_column(f"'{status.value}'"))


class Events:
    """Events and their deliveries within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._pending = _in_its_index(connection.dialect.name, DeliveryStatus.PENDING)
        self._delivered = _in_its_index(connection.dialect.name, DeliveryStatus.DELIVERED)

    def known(self, ids: Collection[str]) -> set[str]:
        """Those of these events that are kept."""
        return set(self._connection.execute(sa.select(events.c.id).where(events.c.id.in_(list(ids)))).scalars())

    def add(self, told: Announcement, data: str, endpoints: Collection[str]) -> bool:
        """Keep an event that these endpoints are to be told of; False where it is kept already."""
        event = insert_into(self._connection.dialect.name, events).values(
            id=told.id, kind=told.kind.value, task_id=told.task_id, index=told.index, at=told.at, data=data
        )
        new = event.on_conflict_do_nothing(index_elements=["id"]).returning(events.c.seq)
        event_seq = self._connection.execute(new).scalar()
        if event_seq is None:
            return False
        pending = {"event_seq": event_seq, "task_id": told.task_id, "status": DeliveryStatus.PENDING, "attempts": 0}
        self._connection.execute(sa.insert(deliveries), [{**pending, "endpoint": name} for name in sorted(endpoints)])
        for name in sorted(endpoints):
            self._line_up(told.task_id, name)
        return True

    def add_missing(self, told: Announcement, endpoint: str) -> bool:
        """Have one more endpoint told of an event that is kept; False where it is told already, or nothing is kept."""
        pending = sa.literal(DeliveryStatus.PENDING.value)
        kept = sa.select(events.c.seq, events.c.task_id, sa.literal(endpoint), pending, sa.literal(0))
        columns = ["event_seq", "task_id", "endpoint", "status", "attempts"]
        statement = insert_into(self._connection.dialect.name, deliveries)
        missing = statement.from_select(columns, kept.where(events.c.id == told.id))
        missing = missing.on_conflict_do_nothing(index_elements=["event_seq", "endpoint"])
        if self._connection.execute(missing.returning(deliveries.c.seq)).scalar() is None:
            return False
        self._line_up(told.task_id, endpoint)
        return True

    def claim(
        self,
        places: int,
        *,
        names: Collection[str],
        held: Mapping[str, int],
        most: int,
        hosts: Mapping[str, int],
    ) -> list[ClaimedDelivery]:
        """Claim due deliveries for so many free places, the longest due of each endpoint first.

        `names` are the endpoints that the claimer knows: what is for others is left to those who know them. `held` are
        how many of each endpoint the claimer is at, of which there are to be no more than `most`: so one that is slow,
        or never answers, leaves places to the others; `hosts` are the same for those of clients.
        """
        rooms = {name: min(places, most - held.get(name, 0)) for name in self.waiting_endpoints() if name in names}
        due = {
            name: self._due_callers(room, hosts) if name == CALLER else self._due(name, room)
            for name, room in rooms.items()
            if room > 0
        }
        numbers = share_out({name: len(found) for name, found in due.items()}, held, places=places)
        chosen = [(seq, task, name, host) for name, found in due.items() for seq, task, host in found[: numbers[name]]]
        claim = secrets.token_hex(8)
        if chosen:
            which = deliveries.c.seq.in_([seq for seq, *_ in chosen])
            values = {"claim": claim, "claimed_until": self._now + LEASE}
            self._connection.execute(sa.update(deliveries).where(which).values(values))
        return [ClaimedDelivery(seq, task_id, name, claim, host) for seq, task_id, name, host in chosen]

    def one(self, seq: int) -> Delivery | None:
        """A delivery with its event's data."""
        query = shown(events.c.data).where(deliveries.c.seq == seq)
        row = self._connection.execute(query).mappings().one_or_none()
        return delivery_from(row) if row is not None else None

    def attempts(self, claimed: ClaimedDelivery) -> int | None:
        """How many attempts there were, for whoever still holds the claim and so has a say; None for others."""
        query = sa.select(deliveries.c.attempts).where(_is(claimed)).with_for_update()
        return self._connection.execute(query).scalar()

    def record(self, claimed: ClaimedDelivery, progress: Progress) -> None:
        """Write down where a delivery stands, and let go of it; whatever stands behind one that has ended is due."""
        ended = progress.status is not DeliveryStatus.PENDING
        values = {
            "status": progress.status.value,
            "attempts": progress.attempts,
            "next_attempt_at": progress.next_attempt_at,
            "detail": progress.detail,
            "ended_at": self._now if ended else None,
            "claim": None,
            "claimed_until": None,
        }
        self._connection.execute(sa.update(deliveries).where(_is(claimed)).values(values))
        self._line_up(claimed.task_id, claimed.endpoint)

    def release(self, claimed: ClaimedDelivery, *, after: timedelta = timedelta()) -> None:
        """Give a delivery back without an attempt; `after` keeps everyone off it for a while."""
        values: dict[str, object] = {"claim": None, "claimed_until": None}
        if after:
            later = sa.literal(self._now + after, UtcTime())
            values["next_attempt_at"] = sa.case((deliveries.c.next_attempt_at.is_not(None), later))
        self._connection.execute(sa.update(deliveries).where(_is(claimed)).values(values))

    def renew(self, held: Iterable[ClaimedDelivery]) -> None:
        """Prolong the leases of deliveries that are under way."""
        for one in sorted(held, key=lambda one: one.seq):  # in one order, so that two cannot wait for each other
            self._connection.execute(sa.update(deliveries).where(_is(one)).values(claimed_until=self._now + LEASE))

    def clear_leases(self) -> None:
        """Forget every claim: right only while no other server can be alive (SQLite at start)."""
        claimed = sa.update(deliveries).where(_IS_PENDING, deliveries.c.claim.is_not(None))
        self._connection.execute(claimed.values(claim=None, claimed_until=None))

    def pull_in(self, latest: datetime) -> int:
        """Have due at once what is due later than that, as a clock that was ahead has planned it."""
        d = deliveries.c
        pending, lease = sa.update(deliveries).where(_IS_PENDING), self._now + LEASE
        late = pending.where(d.next_attempt_at > latest).values(next_attempt_at=self._now)
        held = pending.where(d.claimed_until > lease).values(claimed_until=lease)
        return self._connection.execute(late).rowcount + self._connection.execute(held).rowcount

    def waiting(self) -> Untold:
        """What others are still to be told."""
        query = sa.select(sa.func.count(), sa.func.min(deliveries.c.event_seq)).where(_IS_PENDING)
        pending, first = self._connection.execute(query).one()
        if first is None:
            return Untold(0, None)
        oldest = self._connection.execute(sa.select(events.c.at).where(events.c.seq == first)).scalar()
        return Untold(pending, oldest)

    def waiting_endpoints(self) -> list[str]:
        """The names that pending deliveries have, found one after the other by their index."""
        d = deliveries.c
        first = sa.select(sa.func.min(d.endpoint).label("name")).where(self._pending)
        names = first.cte("names", recursive=True)
        following = first.where(d.endpoint > names.c.name).scalar_subquery()
        names = names.union_all(sa.select(following).where(names.c.name.is_not(None)))
        query = sa.select(names.c.name).where(names.c.name.is_not(None))
        return list(self._connection.execute(query).scalars())

    def page(self, wanted: DeliveryFilter, *, after: int | None, limit: int) -> Page[Delivery]:
        """Deliveries, the newest first; of one kind by their events, which have an index for that."""
        d = deliveries.c
        query = shown()
        if wanted.kind is not None and wanted.status in (None, DeliveryStatus.DELIVERED):
            query = query.where(*self._of_events(wanted)).order_by(events.c.seq.desc(), d.seq.desc())
            if after is not None:
                last = sa.select(d.event_seq).where(d.seq <= after).order_by(d.seq.desc()).limit(1).scalar_subquery()
                both_begin_there = (events.c.seq <= last, d.event_seq <= last)
                query = query.where(*both_begin_there, sa.or_(events.c.seq < last, d.seq < after))
        else:
            query = query.where(*self._which(wanted)).order_by(d.seq.desc())
            query = query.where(d.seq < after) if after is not None else query
        found = [delivery_from(row) for row in self._connection.execute(query.limit(limit + 1)).mappings()]
        return Page(found[:limit], found[limit - 1].seq if len(found) > limit else None)

    def span(self, wanted: DeliveryFilter) -> tuple[int, int]:
        """A number before all deliveries that may match now, and the last of them; later ones do not belong to it."""
        d = deliveries.c
        ends = [sa.select(end(d.seq)) for end in (sa.func.min, sa.func.max)]  # each alone, as SQLite wants it
        if wanted.ids:
            ends = [end.where(d.seq.in_(wanted.ids)) for end in ends]
        elif wanted.task_id is not None:
            of_task = events.c.task_id == wanted.task_id
            ends = [end.join(events, events.c.seq == d.event_seq).where(of_task) for end in ends]
        elif wanted.status is not None:
            ends = [end.where(d.status == wanted.status.value) for end in ends]
        first, last = self._connection.execute(sa.select(*(end.scalar_subquery() for end in ends))).one()
        return (first - 1, last) if first is not None else (0, 0)

    def matching(self, wanted: DeliveryFilter, *, after: int, last: int) -> Matching:
        """The next deliveries that match, in order of their numbers."""
        d = deliveries.c
        narrow = wanted.ids or wanted.task_id is not None
        until = last if narrow else min(last, after + WINDOW)
        query = sa.select(d.seq).join(events, events.c.seq == d.event_seq)
        query = query.where(d.seq > after, d.seq <= until, *self._which(wanted)).order_by(d.seq).limit(TOGETHER)
        found = tuple(self._connection.execute(query).scalars())
        return Matching(found, until if len(found) < TOGETHER else found[-1])

    def again(self, seqs: Sequence[int], status: DeliveryStatus) -> int:
        """Have deliveries of this status made again, as if they never had been; how many there still were."""
        d = deliveries.c
        values = {"status": DeliveryStatus.PENDING, "attempts": 0, "next_attempt_at": None, "ended_at": None}
        statement = sa.update(deliveries).where(d.seq.in_(seqs), d.status == status.value).values(values)
        changed = self._connection.execute(statement.returning(d.task_id, d.endpoint)).all()
        for task_id, endpoint in sorted({(task_id, endpoint) for task_id, endpoint in changed}):
            self._line_up(task_id, endpoint)
        return len(changed)

    def forget(self, before: datetime, *, limit: int) -> int:
        """Remove deliveries that ended well before then, and events that nobody is to be told of; how many."""
        d = deliveries.c
        ended = sa.select(d.seq, d.event_seq).where(self._delivered, d.ended_at < before)
        found = self._connection.execute(ended.order_by(d.ended_at).limit(limit)).all()
        if found:
            still = d.status == DeliveryStatus.DELIVERED.value  # somebody may have it made again just now
            self._connection.execute(sa.delete(deliveries).where(d.seq.in_([seq for seq, _ in found]), still))
            left = sa.exists().where(d.event_seq == events.c.seq)
            told = events.c.seq.in_({event_seq for _, event_seq in found})
            self._connection.execute(sa.delete(events).where(told, ~left))
        return len(found)

    def give_up(self, endpoint: str, detail: str, *, limit: int) -> int:
        """End some of what an endpoint is still to be told, without an attempt; how many."""
        d = deliveries.c
        query = sa.select(d.seq).where(self._pending, d.endpoint == endpoint).limit(limit)
        seqs = list(self._connection.execute(query).scalars())
        values = {"status": DeliveryStatus.DEAD, "detail": detail, "ended_at": self._now}
        free = {"next_attempt_at": None, "claim": None, "claimed_until": None}
        ended = sa.update(deliveries).where(d.seq.in_(seqs), _IS_PENDING).values({**values, **free})
        tasks = list(self._connection.execute(ended.returning(d.task_id)).scalars())
        for task_id in sorted(set(tasks)):
            self._line_up(task_id, endpoint)
        return len(tasks)

    def _which(self, wanted: DeliveryFilter) -> list[sa.ColumnElement[bool]]:
        """What a delivery has to fulfil, so that those of one task are looked up by that and by nothing else."""
        if wanted.task_id is None:
            return list(wanted.conditions())
        others = replace(wanted, task_id=None).conditions()
        dialect = self._connection.dialect.name
        return [events.c.task_id == wanted.task_id, *(in_its_index(dialect, one) for one in others)]

    def _of_events(self, wanted: DeliveryFilter) -> list[sa.ColumnElement[bool]]:
        """The same where events lead: SQLite would find all that were delivered by their status, and sort them."""
        if wanted.status is None or wanted.task_id is not None or self._connection.dialect.name == "postgresql":
            return self._which(wanted)
        status = sa.func.coalesce(deliveries.c.status, "") == wanted.status.value
        return [status, *self._which(replace(wanted, status=None))]

    def _line_up(self, task_id: str, endpoint: str) -> None:
        """Let the first of a line have a time, now if it has none, and no other."""
        d = deliveries.c
        line = sa.select(d.seq, d.next_attempt_at).where(self._pending, d.task_id == task_id, d.endpoint == endpoint)
        rows = self._connection.execute(line.order_by(d.event_seq).with_for_update()).all()
        for place, (seq, at) in enumerate(rows):
            if (place == 0) == (at is None):
                due = self._now if place == 0 else None
                self._connection.execute(sa.update(deliveries).where(d.seq == seq).values(next_attempt_at=due))

    def _due(self, endpoint: str, limit: int) -> list[_Due]:
        d = deliveries.c
        is_free = sa.or_(d.claimed_until.is_(None), d.claimed_until <= self._now)
        due = sa.select(d.seq, d.task_id).where(self._pending, d.endpoint == endpoint, d.next_attempt_at <= self._now)
        query = due.where(is_free).order_by(d.next_attempt_at).limit(limit).with_for_update(skip_locked=True)
        return [(seq, task_id, "") for seq, task_id in self._connection.execute(query)]

    def _due_callers(self, room: int, held: Mapping[str, int]) -> list[_Due]:
        """Those of clients that are due, few of each host; what fills all that is looked at is put off for a while."""
        found, s = self._due(CALLER, SEEN), submissions.c
        urls = sa.select(s.task_id, s.callback_url).where(s.task_id.in_([task_id for _, task_id, _ in found]))
        urls = urls.where(s.callback_url.is_not(None))
        hosts = {task_id: _host(url) for task_id, url in self._connection.execute(urls)} if found else {}
        places = within_hosts([hosts.get(task_id, "") for _, task_id, _ in found], held, places=room)
        if len(found) == SEEN and len(places) < room:
            full = [seq for place, (seq, *_) in enumerate(found) if place not in places]
            later = sa.update(deliveries).where(deliveries.c.seq.in_(full))
            self._connection.execute(later.values(next_attempt_at=self._now + PUT_OFF))
        return [(seq, task_id, hosts.get(task_id, "")) for seq, task_id, _ in (found[place] for place in places)]


def _host(url: str) -> str:
    """The host of a URL that was taken, as far as that can be told: it shares places, and decides nothing."""
    try:
        return normalised_host(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _is(claimed: ClaimedDelivery) -> sa.ColumnElement[bool]:
    return sa.and_(deliveries.c.seq == claimed.seq, deliveries.c.claim == claimed.claim)

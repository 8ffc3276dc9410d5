"""What was spent and what is reserved, in sums by day and subject. It must not know prices.

Sums are changed by adding, and what is taken away was added before by a row that still says so: none falls below zero.
All rows that one change touches are written in one order, subject by subject and day by day, so that two changes wait
for each other and never both. Who changes sums does so last in a transaction: many others wait for these rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import sqlalchemy as sa

from service.catalog.bulk import Bulk
from service.catalog.dialects import insert_into
from service.catalog.prepared import Prepared
from service.catalog.tables import charges, spending, tasks
from service.domain.budget import Reserved
from service.domain.subject import Kind

_COUNTED = ("reserved", "charged", "tasks", "images")


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted; amounts in nano US dollars, `images` are those that were archived."""

    reserved: int = 0
    charged: int = 0
    tasks: int = 0
    images: int = 0

    def __add__(self, more: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(more, name) for name in _COUNTED))

    def __neg__(self) -> "Sums":
        return Sums(*(-getattr(self, name) for name in _COUNTED))


_NOTHING = Sums()


@dataclass(frozen=True, slots=True)
class Booked:
    """What a task was counted as: on which day, for whom, and how much."""

    day: date
    subjects: tuple[str, ...]
    charged: int
    images: int

    @property
    def sums(self) -> Sums:
        return Sums(charged=self.charged, tasks=1, images=self.images)


Place = tuple[str, date]
"""A subject and a day: one row of sums."""


# Built once for each database, as every image that is archived is counted.
_BY_TASK = sa.select(charges).where(charges.c.task_id == sa.bindparam("of_task"))
_CHARGE, _LOCKED_CHARGE = Prepared(_BY_TASK), Prepared(_BY_TASK.with_for_update())
_BOOKED = ("day", "subjects", "charged", "images")
_CHANGING = Prepared(sa.update(charges).where(charges.c.task_id == sa.bindparam("of_task")), sets=_BOOKED)


@cache
def _charging(dialect: sa.Dialect) -> Bulk:
    return Bulk(insert_into(dialect.name, charges), ("task_id", *_BOOKED), dialect)


@cache
def _adding(dialect: sa.Dialect) -> Bulk:
    statement = insert_into(dialect.name, spending)
    added = {name: spending.c[name] + statement.excluded[name] for name in _COUNTED}
    adding = statement.on_conflict_do_update(index_elements=["subject", "day"], set_=added)
    return Bulk(adding, ("subject", "day", *_COUNTED), dialect)


class Spending:
    """Sums within one transaction. Spans of days include both ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def reserve(self, subjects: Iterable[str], day: date, nano: int) -> None:
        """Hold so much back. Who then reads the sums, in the same transaction, sees all that others hold back.

        The rows stay locked until the transaction ends: of two who reserve for a subject in one month, the second
        waits here, and reads what the first has left. So who reserves first, reads then, and raises where it is too
        much, never goes beyond a limit. The first of the month is written too, with nothing, as rows of two days are
        two locks, and around midnight two could reserve without seeing each other.
        """
        if nano:
            places = {(one, day.replace(day=1)): _NOTHING for one in subjects}
            self._add({**places, **{(one, day): Sums(reserved=nano) for one, _ in places}})

    def give_back(self, subjects: Iterable[str], day: date, nano: int) -> None:
        """Hold it back no longer; for what was reserved so, and once."""
        if nano:
            self._add({(one, day): Sums(reserved=-nano) for one in subjects})

    def uncounted(self, after: int, limit: int) -> list[tuple[int, str]]:
        """The next tasks, by number and id, that have ended and were never counted."""
        t = tasks.c
        counted = sa.exists().where(charges.c.task_id == t.id)
        ended = t.status.not_in(("pending", "processing"))
        query = sa.select(t.seq, t.id).where(t.seq > after, ended, sa.not_(counted)).order_by(t.seq).limit(limit)
        return [(seq, task_id) for seq, task_id in self._connection.execute(query)]

    def booked(self, task_id: str) -> Booked | None:
        """What a task is counted as."""
        return self._booked(task_id, locked=False)

    def book(self, task_id: str, booked: Booked | None, *, given_back: Reserved | None = None) -> None:
        """Count a task as this, or not at all, in place of what it was counted as; what was reserved is given back."""
        before = self._booked(task_id, locked=True)
        if before != booked:
            self._note(task_id, before, booked)
        changes: dict[Place, Sums] = {}
        for where, sums in _changes(before, booked, given_back):
            for subject in set(where.subjects):
                place = (subject, where.day)
                changes[place] = changes.get(place, _NOTHING) + sums
        self._add({place: sums for place, sums in changes.items() if sums != _NOTHING})

    def spent(self, subject: str, first_day: date, last_day: date) -> Sums:
        """What was counted for a subject."""
        s = spending.c
        query = sa.select(*_summed()).where(s.subject == subject, s.day.between(first_day, last_day))
        return _sums(self._connection.execute(query).mappings().one())

    def by_day(self, subject: str, first_day: date, last_day: date) -> dict[date, Sums]:
        """What was counted for a subject, on each day that has something."""
        s = spending.c
        query = sa.select(s.day, *_summed()).where(s.subject == subject, s.day.between(first_day, last_day))
        found = self._connection.execute(query.group_by(s.day).order_by(s.day)).mappings()
        return {row["day"]: _sums(row) for row in found}

    def by_subject(self, kind: Kind, first_day: date, last_day: date, most: int) -> list[tuple[str, Sums]]:
        """The dearest subjects of a kind, the dearest first; of those that have had a task."""
        s = spending.c
        days = [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]
        after_all = kind.prefix[:-1] + chr(ord(kind.prefix[-1]) + 1)
        # each day by itself, so that an index finds its subjects of this kind, and none of all the others is read
        which = (s.day.in_(days), s.subject >= kind.prefix, s.subject < after_all)
        query = sa.select(s.subject, *_summed()).where(*which).group_by(s.subject).having(sa.func.sum(s.tasks) > 0)
        dearest = query.order_by(sa.func.sum(s.charged).desc(), s.subject).limit(most)
        return [(row["subject"], _sums(row)) for row in self._connection.execute(dearest).mappings()]

    def _booked(self, task_id: str, *, locked: bool) -> Booked | None:
        found = (_LOCKED_CHARGE if locked else _CHARGE).first(self._connection, {"of_task": task_id})
        if found is None:
            return None
        return Booked(found["day"], tuple(found["subjects"]), found["charged"], found["images"])

    def _note(self, task_id: str, before: Booked | None, booked: Booked | None) -> None:
        if booked is None:
            self._connection.execute(sa.delete(charges).where(charges.c.task_id == task_id))
            return
        values = {
            "day": booked.day,
            "subjects": list(booked.subjects),
            "charged": booked.charged,
            "images": booked.images,
        }
        if before is None:  # where somebody else was first, this fails, and is done again with what they wrote
            _charging(self._connection.dialect).insert(self._connection, [{"task_id": task_id, **values}])
        else:
            _CHANGING.change(self._connection, {"of_task": task_id, **values})

    def _add(self, changes: Mapping[Place, Sums]) -> None:
        rows = [
            {"subject": subject, "day": day, **{name: getattr(sums, name) for name in _COUNTED}}
            for (subject, day), sums in sorted(changes.items(), key=lambda one: one[0])
        ]
        if rows:
            _adding(self._connection.dialect).insert(self._connection, rows)


def _changes(
    before: Booked | None, booked: Booked | None, given_back: Reserved | None
) -> Iterator[tuple[Booked | Reserved, Sums]]:
    """Where something is added or taken away, and what."""
    if before is not None:
        yield before, -before.sums
    if booked is not None:
        yield booked, booked.sums
    if given_back is not None:
        yield given_back, Sums(reserved=-given_back.nano)


def _summed() -> list[sa.ColumnElement[int]]:
    return [sa.func.coalesce(sa.func.sum(spending.c[name]), 0).label(name) for name in _COUNTED]


def _sums(row: sa.RowMapping) -> Sums:
    return Sums(*(int(row[name]) for name in _COUNTED))

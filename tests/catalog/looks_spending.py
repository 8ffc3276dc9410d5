"""Every question about money that the service asks of its catalog, and two years of sums to ask it of.

Each task has a tag of its own, as an order's number is: the dearest tags are looked for among as many as there are
tasks in the span.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from service.catalog.catalog import Transaction
from service.catalog.spending import Booked
from service.domain.budget import Reserved
from service.domain.subject import Kind
from tests.catalog.million import TASKS, task_id

DAYS = 730
FIRST, LAST = date(2024, 11, 1), date(2024, 11, 1) + timedelta(days=DAYS - 1)
MONTH, YEAR = LAST - timedelta(days=29), LAST - timedelta(days=365)
"""Where the usual span begins, and the longest."""

_DAY = f"date '{FIRST}' + (n - 1) * {DAYS} / {TASKS}"

_CHARGES = f"""
INSERT INTO charges (task_id, day, subjects, charged, images)
SELECT 'task-unified-' || lpad(n::text, 8, '0'), {_DAY},
    json_build_array('all', 'key:key-' || n % 5, 'model:' || n % 2, 'tag:order=' || n, 'tag:team=team-' || n % 40),
    n % 50 * 1000000, 2
FROM generate_series(1, {TASKS}) AS n
"""

_SPENDING = """
INSERT INTO spending (subject, day, reserved, charged, tasks, images)
SELECT subject, day, 0, sum(charged), count(*), sum(images)
FROM charges, json_array_elements_text(subjects) AS subject GROUP BY subject, day ORDER BY day, subject
"""

FILLS: Mapping[str, str] = {"charges": _CHARGES, "spending": _SPENDING}
"""What fills each table, one after the other."""

TEAM = ("all", "key:key-1", "model:1", "tag:order=new", "tag:team=team-7")
OLD, LATEST = task_id(1000), task_id(TASKS - 10)
BOOKED = Booked(LAST, TEAM, charged=10**7, images=3)

Look = Callable[[Transaction], object]


def writes() -> Iterator[tuple[str, Look]]:
    yield "spending.reserve", lambda tx: tx.spending.reserve(TEAM, LAST, 10**7)
    yield "spending.give_back", lambda tx: tx.spending.give_back(TEAM, LAST, 10**7)
    yield "spending.book", lambda tx: tx.spending.book("task-new", BOOKED, given_back=Reserved(TEAM, LAST, 10**7))
    yield "spending.book again", lambda tx: tx.spending.book(LATEST, BOOKED)
    yield "spending.book no more", lambda tx: tx.spending.book(OLD, None)


def reads() -> Iterator[tuple[str, Look]]:
    yield "spending.uncounted", lambda tx: tx.spending.uncounted(0, 50)
    yield "spending.booked", lambda tx: tx.spending.booked(OLD)
    for subject in ("all", "key:key-1", "tag:team=team-7", "tag:none=x"):
        yield f"spending.spent {subject}", _spent(subject)
        yield f"spending.by_day {subject}", _by_day(subject)
    for kind in Kind:
        yield f"spending.by_subject {kind} month", _by_subject(kind, MONTH)
        yield f"spending.by_subject {kind} year", _by_subject(kind, YEAR)


def _spent(subject: str) -> Look:
    return lambda tx: tx.spending.spent(subject, LAST.replace(day=1), LAST)


def _by_day(subject: str) -> Look:
    return lambda tx: tx.spending.by_day(subject, YEAR, LAST)


def _by_subject(kind: Kind, since: date) -> Look:
    return lambda tx: tx.spending.by_subject(kind, since, LAST, 100)

"""Counting what tasks cost: each once, where it belongs, in whatever order and however often it is looked at."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.catalog.catalog import Catalog, Transaction
from service.catalog.spending import Sums
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, Stored, archived, deleted
from service.domain.budget import NANO
from service.domain.image import Image, ImageFormat
from service.domain.submission import Submission, SubmissionStatus
from service.domain.task import Task, TaskReason, TaskStatus
from service.submission.booking import MOST_CHARGED, book, day_of
from service.submission.price_list import load_prices
from tests.support.databases import POSTGRESQL, Databases, databases_for
from tests.support.deliveries import LINK, NOW, TASK

PRICES = load_prices(None)
TODAY = NOW.date()
CENT = NANO // 100


@pytest.fixture(params=["sqlite", POSTGRESQL])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)


def ended(status: TaskStatus = TaskStatus.COMPLETED, **members: Any) -> Task:
    return Task(id=TASK, source="evolink", received_at=NOW, status=status, **members)


def reported(cents: int) -> dict[str, Any]:
    return {"cost": {"usd": cents / 100, "credits": cents * 0.68}}


def estimated(cents: int) -> dict[str, Any]:
    return {"usd": cents / 100, "credits": cents * 0.68, "basis": "per_image"}


def image(index: int, task_id: str = TASK) -> Asset:
    one = Asset(task_id, index, links=(LINK,), deadline=NOW, created_at=NOW)
    return archived(one, Stored(f"{task_id}/{index}", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1)), now=NOW)


def put(tx: Transaction, task: Task, assets: Sequence[Asset] = ()) -> None:
    """Have the task so, as others have made it."""
    tx.tasks.save([(tx.tasks.get(task.id), TaskState(task, tuple(assets)))])


async def count(catalog: Catalog, task: Task, assets: Sequence[Asset] = ()) -> None:
    def work(tx: Transaction) -> None:
        put(tx, task, assets)
        book(tx, TaskState(task, tuple(assets)), PRICES)

    await catalog.write(work)


async def sums(catalog: Catalog, subject: str = "all", day: date = TODAY) -> Sums:
    return await catalog.read(lambda tx: tx.spending.spent(subject, day, day))


async def test_a_task_counts_what_was_reported_for_all_that_it_belongs_to(catalog: Catalog) -> None:
    task = ended(usage=reported(4), model="gpt-image-2", submitted_by="shop", tags={"team": "a"})
    await count(catalog, task, [image(0), image(1)])
    counted = Sums(charged=4 * CENT, tasks=1, images=2)
    for subject in ("all", "model:gpt-image-2", "key:shop", "tag:team=a"):
        assert await sums(catalog, subject) == counted


@pytest.mark.parametrize(
    ("task", "charged"),
    [
        (ended(usage={"credits_used": 68}), NANO),
        (ended(), 0),
        (ended(usage={"credits_used": "many"}, estimate=estimated(3)), 3 * CENT),
        (ended(estimate=estimated(3)), 3 * CENT),
        (ended(usage=reported(2), estimate=estimated(3)), 2 * CENT),
        (ended(estimate={"usd": None, "credits": -1}), 0),
        (ended(TaskStatus.FAILED, estimate=estimated(3)), 0),
        (ended(TaskStatus.CANCELLED, estimate=estimated(3)), 0),
        (ended(TaskStatus.FAILED, usage=reported(2)), 2 * CENT),
        (ended(TaskStatus.DEAD, reason=TaskReason.NEVER_FINISHED, estimate=estimated(3)), 0),
        (ended(TaskStatus.DEAD, reason=TaskReason.NO_LINKS, usage=reported(2)), 2 * CENT),
        (ended(TaskStatus.DEAD, reason=TaskReason.REFUTED, usage=reported(2)), 0),
        (ended(TaskStatus.DEAD, reason=TaskReason.UNKNOWN_TO_PROVIDER, usage=reported(2)), 0),
    ],
)
async def test_what_is_reported_counts_then_the_estimate_of_what_was_delivered_then_nothing(
    catalog: Catalog, task: Task, charged: int
) -> None:
    await count(catalog, task)
    assert await sums(catalog) == Sums(charged=charged, tasks=1)


async def test_a_report_that_nobody_can_believe_fills_no_sum(catalog: Catalog) -> None:
    for number, usage in enumerate(({"credits_used": 999_999}, {"cost": {"usd": 1e300}}, {"credits_used": -5})):
        await count(catalog, replace(ended(usage=usage), id=f"task-{number}"))
    assert 0 <= (await sums(catalog)).charged <= 3 * MOST_CHARGED


@pytest.mark.parametrize("status", [TaskStatus.PENDING, TaskStatus.PROCESSING])
async def test_a_task_that_has_not_ended_counts_nothing_not_even_one_that_had(
    catalog: Catalog, status: TaskStatus
) -> None:
    await count(catalog, ended(status, usage=reported(4), estimate=estimated(3)))
    assert await sums(catalog) == Sums()
    await count(catalog, ended(TaskStatus.DEAD, reason=TaskReason.NO_LINKS, usage=reported(4)))
    await count(catalog, ended(status))
    assert await sums(catalog) == Sums()


async def test_images_count_once_they_are_archived_and_still_do_when_they_are_deleted(catalog: Catalog) -> None:
    waiting = Asset(TASK, 1, links=(LINK,), deadline=NOW, created_at=NOW)
    await count(catalog, ended(usage=reported(4)), [image(0), waiting])
    assert await sums(catalog) == Sums(charged=4 * CENT, tasks=1, images=1)
    await count(catalog, ended(usage=reported(4)), [deleted(image(0)), image(1)])
    assert await sums(catalog) == Sums(charged=4 * CENT, tasks=1, images=2)


async def test_labels_that_are_learnt_later_take_the_booking_with_them(catalog: Catalog) -> None:
    await count(catalog, ended(usage=reported(4), tags={"team": "a"}))
    await count(catalog, ended(usage=reported(4), tags={"team": "b"}, submitted_by="shop"))
    assert await sums(catalog, "tag:team=a") == Sums()
    for subject in ("all", "tag:team=b", "key:shop"):
        assert await sums(catalog, subject) == Sums(charged=4 * CENT, tasks=1)


@pytest.mark.parametrize(
    ("created", "day"),
    [
        (datetime(2026, 4, 30, 23, 59, 59, 999_999, tzinfo=UTC), date(2026, 4, 30)),
        (datetime(2026, 5, 1, tzinfo=UTC), date(2026, 5, 1)),
        (datetime(2026, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 4, 30)),
        (datetime(2025, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), date(2026, 1, 1)),
    ],
)
async def test_a_task_counts_on_the_utc_day_on_which_it_was_made(
    catalog: Catalog, created: datetime, day: date
) -> None:
    task = ended(usage=reported(4), created_at=created)
    assert day_of(task) == day
    await count(catalog, ended(usage=reported(4)))  # on the day on which we heard of it, as long as no other is known
    await count(catalog, task)
    by_day = await catalog.read(lambda tx: tx.spending.by_day("all", date(2025, 1, 1), date(2026, 12, 31)))
    assert {day: sums.charged for day, sums in by_day.items() if sums.charged} == {day: 4 * CENT}


def submission(nano: int, subjects: tuple[str, ...] = ("all", "key:shop")) -> Submission:
    return Submission(
        id="sub_1",
        source="evolink",
        key_name="shop",
        fingerprint="f",
        request=b"{}",
        model="gpt-image-2",
        kept_at=NOW,
        day=TODAY,
        sent_at=NOW,
        status=SubmissionStatus.TAKEN,
        task_id=TASK,
        subjects=subjects,
        reserved=nano,
    )


def submitted(tx: Transaction, nano: int) -> None:
    one = submission(nano)
    tx.submissions.add(one, claim="claim")
    tx.spending.reserve(one.subjects, one.day, one.reserved)


async def test_what_was_reserved_is_given_back_once_when_the_task_has_ended(catalog: Catalog) -> None:
    await catalog.write(partial(submitted, nano=9 * CENT))
    await count(catalog, ended(TaskStatus.PROCESSING, submitted_by="shop"))
    assert await sums(catalog, "key:shop") == Sums(reserved=9 * CENT)
    for cents in (4, 4, 5):
        await count(catalog, ended(usage=reported(cents), submitted_by="shop"))
        assert await sums(catalog, "key:shop") == await sums(catalog) == Sums(charged=cents * CENT, tasks=1)


async def test_what_failed_gives_back_what_was_reserved_and_costs_nothing(catalog: Catalog) -> None:
    await catalog.write(partial(submitted, nano=9 * CENT))
    await count(catalog, ended(TaskStatus.FAILED))
    assert await sums(catalog) == Sums(tasks=1)


async def test_a_database_that_was_made_anew_counts_the_same(catalog: Catalog, databases: Databases) -> None:
    tasks = [
        replace(ended(usage=reported(number), model="m", created_at=NOW - timedelta(days=number)), id=f"task-{number}")
        for number in range(5)
    ]
    for task in tasks:
        await count(catalog, task, [image(0, task.id)])
    before = await whole(catalog)
    anew = Catalog(databases.new())
    anew.open()
    for task in reversed(tasks):
        await count(anew, task, [image(0, task.id)])
    assert await whole(anew) == before
    anew.close()


async def whole(catalog: Catalog) -> list[dict[date, Sums]]:
    span = (TODAY - timedelta(days=30), TODAY)
    return [
        await catalog.read(lambda tx, subject=subject: tx.spending.by_day(subject, *span))  # type: ignore[misc]
        for subject in ("all", "model:m")
    ]


IDS, TEAMS, MODELS, KEYS = ("task-1", "task-2", "task-3"), ("a", "b"), ("m", "n", None), ("shop", None)
DAYS = (date(2026, 4, 30), date(2026, 5, 1))
CENTS = st.none() | st.integers(0, 10**5)


@st.composite
def states(draw: Callable[..., Any]) -> tuple[TaskState, int | None, int | None]:
    """A task at one time, with the cents that were reported and estimated."""
    usage, estimate, task_id = draw(CENTS), draw(CENTS), draw(st.sampled_from(IDS))
    task = Task(
        id=task_id,
        source="evolink",
        received_at=NOW,
        status=draw(st.sampled_from(TaskStatus)),
        model=draw(st.sampled_from(MODELS)),
        submitted_by=draw(st.sampled_from(KEYS)),
        tags=draw(st.dictionaries(st.just("team"), st.sampled_from(TEAMS))),
        usage=reported(usage) if usage is not None else None,
        estimate=estimated(estimate) if estimate is not None else None,
        created_at=datetime.combine(draw(st.sampled_from(DAYS)), NOW.timetz()),
    )
    images = tuple(image(index, task_id) for index in range(draw(st.integers(0, 2))))
    return TaskState(task, images), usage, estimate


class _Enough(Exception):  # noqa: N818 - no error: nothing more is wanted
    """Takes back what was tried."""


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(states(), st.integers(0, 2)), max_size=10))
async def test_any_order_and_repetition_ends_with_what_the_tasks_add_up_to(
    catalog: Catalog, steps: list[tuple[tuple[TaskState, int | None, int | None], int]]
) -> None:
    def play(tx: Transaction) -> None:
        last = {}
        for made, times in steps:
            state = made[0]
            before = tx.tasks.get(state.task.id)
            more = tuple(before.assets[len(state.assets) :]) if before else ()  # an image that is there stays
            state = TaskState(state.task, (*state.assets, *more))
            put(tx, state.task, state.assets)
            last[state.task.id] = (state, *made[1:])
            for _ in range(times):
                book(tx, state, PRICES)
        for state, *_ in last.values():
            book(tx, state, PRICES)
        for subject, belongs in SUBJECTS.items():
            for day in DAYS:
                those = [one for one in last.values() if day_of(one[0].task) == day and belongs(one[0].task)]
                assert tx.spending.spent(subject, day, day) == naive(those)
        raise _Enough  # so that the next example begins with nothing

    with suppress(_Enough):
        await catalog.write(play)


SUBJECTS: dict[str, Callable[[Task], bool]] = {
    "all": lambda task: True,
    "model:m": lambda task: task.model == "m",
    "model:n": lambda task: task.model == "n",
    "key:shop": lambda task: task.submitted_by == "shop",
    "tag:team=a": lambda task: task.tags.get("team") == "a",
    "tag:team=b": lambda task: task.tags.get("team") == "b",
}


def naive(those: Sequence[tuple[TaskState, int | None, int | None]]) -> Sums:
    total = Sums()
    for state, usage, estimate in those:
        if state.task.status in ("pending", "processing"):
            continue
        cents = usage if usage is not None else estimate if state.task.status == "completed" else 0
        total += Sums(charged=(cents or 0) * CENT, tasks=1, images=len(state.assets))
    return total

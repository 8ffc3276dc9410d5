"""What was spent, as callers see it: in `/v1/stats` by day, model, key, tag and budget, and in each task's `cost`."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from service.catalog.catalog import Catalog, Transaction
from service.catalog.spending import Booked
from service.catalog.tasks import TaskState
from service.domain.budget import NANO, Budget, Period
from service.domain.task import Task, TaskReason, TaskStatus
from service.submission.booking import book
from service.submission.budgets import Budgets
from service.submission.price_list import Prices, load_prices
from service.web.documents import task_document
from service.web.keys import Scope
from service.web.problems import handlers
from service.web.stats import StatsRoutes
from tests.support.app import assert_problem
from tests.support.deliveries import RULES, TASK
from tests.support.guard import api_key, guard_of
from tests.support.ledger import Clock
from tests.support.migrated import put_migrated

NOW = datetime(2026, 6, 2, 0, 30, tzinfo=UTC)
TODAY = NOW.date()
PRICES = load_prices(None)
CENT = NANO // 100
BUDGETS = (
    Budget("all", "all", Period.MONTH, warn=4 * CENT, stop=100 * CENT),
    Budget("shop", "key:shop", Period.DAY, stop=3 * CENT),
    Budget("quiet", "tag:team=a", Period.DAY, warn=50 * CENT),
)


@dataclass(slots=True)
class Office:
    """A catalog under a clock, and `/v1/stats` of it."""

    catalog: Catalog
    clock: Clock
    client: httpx.AsyncClient
    tasks: int = 0

    async def count(self, cents: float, *subjects: str, day: date = TODAY, images: int = 1) -> None:
        """A task that cost so much."""
        self.tasks += 1
        booked = Booked(day, ("all", *subjects), round(cents * CENT), images)
        await self.catalog.write(lambda tx: tx.spending.book(f"task-{self.tasks}", booked))

    async def reserve(self, cents: int, *subjects: str, day: date = TODAY) -> None:
        await self.catalog.write(lambda tx: tx.spending.reserve(("all", *subjects), day, cents * CENT))

    async def ask(self, **query: str) -> httpx.Response:
        return await self.client.get("/v1/stats", params=query)

    async def cost(self, **query: str) -> Any:
        answer = await self.ask(**query)
        assert answer.status_code == 200, answer.text
        return answer.json()["cost"]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    clock = Clock(NOW)
    catalog = Catalog(put_migrated(tmp_path / "x.db"), clock=clock)
    catalog.open()
    stats = StatsRoutes(catalog=catalog, rules=RULES, key_mark="key", health=lambda: None, budgets=Budgets(BUDGETS))
    keys = guard_of(api_key("reader", "key", Scope.READ))
    app = Starlette(routes=stats.routes(keys), exception_handlers=handlers())
    headers = {"Authorization": "Bearer key"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://darkroom.example.com", headers=headers
    ) as client:
        yield Office(catalog, clock, client)
    catalog.close()


async def test_where_nothing_was_spent_each_of_the_last_thirty_days_says_so(office: Office) -> None:
    cost = await office.cost()
    assert set(cost) == {"since", "until", "total", "days", "models", "keys", "tags", "budgets"}
    assert (cost["since"], cost["until"]) == ("2026-05-04", "2026-06-02")
    assert cost["total"] == {"usd": 0, "tasks": 0, "images": 0, "reserved_usd": 0}
    assert [day["day"] for day in cost["days"]] == [(TODAY - timedelta(days=29 - n)).isoformat() for n in range(30)]
    assert (cost["models"], cost["keys"], cost["tags"]) == ({}, {}, {})


async def test_what_was_spent_adds_up_by_day_by_model_by_key_and_by_tag(office: Office) -> None:
    await office.count(1.5, "model:m", "key:shop", "tag:team=a", "tag:order=7", images=2)
    await office.count(2, "model:m", "tag:team=a", day=TODAY - timedelta(days=1))
    await office.count(7, "model:n", day=TODAY - timedelta(days=29))
    await office.count(100, "model:old", day=TODAY - timedelta(days=30))
    await office.reserve(5, "key:shop")
    cost = await office.cost()
    assert cost["total"] == {"usd": 0.105, "tasks": 3, "images": 4, "reserved_usd": 0.05}
    spent = {day["day"]: day for day in cost["days"] if day["tasks"]}
    assert spent["2026-06-02"] == {"day": "2026-06-02", "usd": 0.015, "tasks": 1, "images": 2}
    assert {day: one["usd"] for day, one in spent.items()} == {
        "2026-05-04": 0.07,
        "2026-06-01": 0.02,
        "2026-06-02": 0.015,
    }
    assert list(cost["models"].items()) == [
        ("n", {"usd": 0.07, "tasks": 1, "images": 1}),
        ("m", {"usd": 0.035, "tasks": 2, "images": 3}),
    ]
    assert cost["keys"] == {"shop": {"usd": 0.015, "tasks": 1, "images": 2}}
    assert {tag: sums["usd"] for tag, sums in cost["tags"].items()} == {"team=a": 0.035, "order=7": 0.015}


async def test_of_many_tags_the_hundred_dearest_are_told(office: Office) -> None:
    for number in range(103):
        await office.count(number, f"tag:order={number:03}")
    tags = (await office.cost())["tags"]
    assert list(tags) == [f"order={number:03}" for number in range(102, 2, -1)]


async def test_amounts_have_six_decimals_and_are_rounded_only_when_all_is_added_up(office: Office) -> None:
    for _ in range(10):
        await office.count(0.00002)  # a fifth of the sixth decimal of a dollar
    cost = await office.cost()
    assert cost["total"]["usd"] == 0.000002
    assert json.dumps(cost["total"]["usd"]) == "2e-06"


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({"since": "2026-05-31"}, "2026-05-31", "2026-06-02"),
        ({"until": "2026-03-01"}, "2026-01-31", "2026-03-01"),
        ({"since": "2024-02-29", "until": "2024-02-29"}, "2024-02-29", "2024-02-29"),
        ({"since": "2026-06-01", "until": "2027-06-01"}, "2026-06-01", "2027-06-01"),
        ({"since": "2024-01-01", "until": "2024-12-31"}, "2024-01-01", "2024-12-31"),
        ({"until": "0001-01-05"}, "0001-01-01", "0001-01-05"),
        ({"until": "9999-12-31"}, "9999-12-02", "9999-12-31"),
    ],
)
async def test_a_span_includes_both_ends(office: Office, query: dict[str, str], since: str, until: str) -> None:
    cost = await office.cost(**query)
    assert (cost["since"], cost["until"]) == (since, until)
    assert (cost["days"][0]["day"], cost["days"][-1]["day"]) == (since, until)
    assert len(cost["days"]) == (date.fromisoformat(until) - date.fromisoformat(since)).days + 1


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ({"since": "yesterday"}, "invalid_day", "since takes a day such as 2026-05-31"),
        ({"until": "2026-02-30"}, "invalid_day", "until takes a day"),
        ({"since": ""}, "invalid_day", "since"),
        ({"since": "20260531"}, "invalid_day", "since"),
        ({"since": "2026-05-31T00:00:00Z"}, "invalid_day", "since"),
        ({"until": "\u0662\u0660\u0662\u0666-05-31"}, "invalid_day", "until"),
        ({"since": "2026-06-03"}, "invalid_span", "since (2026-06-03) is after until (2026-06-02)"),
        ({"since": "2025-06-01", "until": "2026-06-02"}, "invalid_span", "more than 366 days"),
        ({"from": "2026-06-03"}, "unknown_parameter", "since, until"),
    ],
)
async def test_what_is_no_span_of_days_is_refused_by_name(
    office: Office, query: dict[str, str], code: str, said: str
) -> None:
    answer = await office.ask(**query)
    assert_problem(answer, 400, code)
    assert said in answer.json()["detail"]


async def test_a_day_that_is_given_twice_is_refused(office: Office) -> None:
    assert_problem(await office.client.get("/v1/stats?since=2026-06-01&since=2026-06-02"), 400, "repeated_parameter")


async def test_budgets_tell_how_they_stand_whatever_span_is_asked_for(office: Office) -> None:
    await office.count(3, "key:shop", day=date(2026, 6, 1))
    await office.count(1, "key:shop", "tag:team=a")
    await office.reserve(2, "key:shop")
    await office.count(90, day=date(2026, 5, 31))
    everything, shop, quiet = (await office.cost(since="2026-01-01", until="2026-01-02"))["budgets"]
    assert everything == {
        "name": "all",
        "subject": "all",
        "per": "month",
        "since": "2026-06-01",
        "begins_anew": "2026-07-01",
        "warn_usd": 0.04,
        "stop_usd": 1.0,
        "spent_usd": 0.04,
        "reserved_usd": 0.02,
        "state": "warn",
    }
    assert (shop["subject"], shop["spent_usd"], shop["reserved_usd"], shop["state"]) == ("key:shop", 0.01, 0.02, "stop")
    assert (shop["since"], shop["begins_anew"], shop["warn_usd"]) == ("2026-06-02", "2026-06-03", None)
    assert (quiet["state"], quiet["stop_usd"]) == ("ok", None)


async def test_budgets_begin_anew_at_midnight(office: Office) -> None:
    await office.reserve(90, "key:shop")
    states = []
    for at in (NOW.replace(hour=23, minute=59, second=59), NOW + timedelta(days=1), NOW.replace(month=7, day=1)):
        office.clock.now = at
        states.append([budget["state"] for budget in (await office.cost())["budgets"]])
    assert states == [["warn", "stop", "ok"], ["warn", "ok", "ok"], ["ok", "ok", "ok"]]


def ended(status: TaskStatus = TaskStatus.COMPLETED, **members: Any) -> Task:
    return Task(id=TASK, source="evolink", received_at=NOW, status=status, **members)


def cost_of(task: Task, prices: Prices | None = None) -> Any:
    return task_document(task, (), public_url="https://darkroom.example.com", prices=prices)["cost"]


ESTIMATE = {"usd": 0.03, "credits": 2.04, "basis": "per_image", "exact": True, "prices_from": "2026-01-01"}
USAGE = {"cost": {"usd": 0.02, "credits": 1.36}}


@pytest.mark.parametrize(
    ("task", "cost"),
    [
        (ended(), None),
        (ended(TaskStatus.FAILED), None),
        (ended(usage={"billing_rule": "per_call"}), None),
        (ended(usage=USAGE), (0.02, 1.36, "reported_cost", None)),
        (ended(usage={"credits_used": 68}), (1.0, 68.0, "reported_credits", None)),
        (ended(usage=USAGE, estimate=ESTIMATE), (0.02, 1.36, "reported_cost", ESTIMATE)),
        (ended(estimate=ESTIMATE), (0.03, 2.04, "estimate", ESTIMATE)),
        (ended(TaskStatus.PROCESSING, estimate=ESTIMATE), (None, None, None, ESTIMATE)),
        (ended(TaskStatus.FAILED, estimate=ESTIMATE), (0.0, 0.0, "nothing_reported", ESTIMATE)),
        (ended(TaskStatus.DEAD, reason=TaskReason.REFUTED, usage=USAGE), None),
    ],
)
def test_a_task_says_what_it_cost_and_what_that_was_read_from(task: Task, cost: tuple[Any, ...] | None) -> None:
    named = dict(zip(("usd", "credits", "basis", "estimate"), cost, strict=True)) if cost is not None else None
    assert cost_of(task) == named


def test_what_a_task_cost_follows_from_the_price_list_that_was_handed_in() -> None:
    twice = Prices(tuple(replace(one, credits_per_dollar=one.credits_per_dollar / 2) for one in PRICES.lists))
    task = ended(usage={"credits_used": 68})
    assert (cost_of(task)["usd"], cost_of(task, twice)["usd"]) == (1.0, 2.0)


async def test_what_tasks_say_of_themselves_is_what_is_added_up(office: Office) -> None:
    made = [
        ended(usage=USAGE, estimate=ESTIMATE),
        ended(estimate=ESTIMATE, model="gpt-image-2"),
        ended(TaskStatus.FAILED, estimate=ESTIMATE),
        ended(TaskStatus.CANCELLED),
        ended(TaskStatus.PENDING, estimate=ESTIMATE),
        ended(usage={"image_output_tokens": 1056}, model="gpt-image-2"),
    ]
    tasks = [replace(task, id=f"task-{number}") for number, task in enumerate(made)]
    await office.catalog.write(partial(count_all, tasks=tasks))
    said = [cost_of(task) for task in tasks if task.terminal]
    total = (await office.cost())["total"]
    assert total["usd"] == pytest.approx(sum(cost["usd"] for cost in said if cost is not None), abs=1e-6)
    assert total["tasks"] == 5


def count_all(tx: Transaction, *, tasks: list[Task]) -> None:
    states = [TaskState(task, ()) for task in tasks]
    tx.tasks.save([(None, state) for state in states])
    for state in states:
        book(tx, state, PRICES)

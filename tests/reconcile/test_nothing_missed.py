"""Of N tasks told, N settled, none lost, no forgery believed, and how often the provider had to be asked.

Each scenario is hours of simulated time; `pytest -s` shows what the provider had to bear.
"""

from pathlib import Path
from typing import Any

import httpx
import pytest

from service.domain.rules import ConfirmMode
from service.domain.task import TaskReason, TaskStatus
from tests.reconcile.world import HOST, Misbehave, Outcome, Truth, World, live, plain_link, stored

N = 24
HOUR = 3600.0


def world_of(folder: Path, n: int = N, **given: object) -> World:
    """N tasks, submitted a second apart, that take about a minute; every seventh fails."""
    world = World(folder, **given)  # type: ignore[arg-type]
    for number in range(n):
        outcome = "failed" if number % 7 == 6 else "completed"
        truth = Truth(f"task-unified-{number:05}", number, 40.0 + number % 50, outcome, 1 + number % 3)
        world.truths[truth.id] = truth
    return world


def true_callbacks(world: World) -> None:
    """Every task calls back when it ends."""
    for truth in world.truths.values():
        body = {"id": truth.id, "status": truth.outcome}
        if truth.outcome == "completed":
            body["results"] = [world.link(truth, index) for index in range(truth.images)]  # type: ignore[assignment]
        world.callbacks.append((truth.ends, f"token-of-{truth.id}", body))


def judged(outcome: Outcome, *, most_requests: float) -> None:
    print(f"\n  {outcome}")
    assert outcome.lost == []
    assert outcome.forged == []
    assert outcome.settled == outcome.tasks
    assert outcome.requests / outcome.tasks <= most_requests


async def test_callbacks_that_never_arrive_are_made_up_for(tmp_path: Path) -> None:
    judged(await live(world_of(tmp_path)), most_requests=1.1)


async def test_tasks_that_are_overdue_together_share_a_request(tmp_path: Path) -> None:
    judged(await live(world_of(tmp_path), asleep_until=HOUR), most_requests=0.1)


async def test_without_reading_several_at_once_each_task_costs_a_request_or_two(tmp_path: Path) -> None:
    judged(await live(world_of(tmp_path, misbehave=without_batch)), most_requests=2.5)


async def test_a_callback_costs_one_question(tmp_path: Path) -> None:
    world = world_of(tmp_path, misbehave=without_batch)
    true_callbacks(world)
    judged(await live(world), most_requests=1.1)


@pytest.mark.long
@pytest.mark.parametrize("mode", [ConfirmMode.REQUIRED, ConfirmMode.PREFERRED])
async def test_forgeries_through_leaked_urls_are_asked_about_and_never_fetched(
    tmp_path: Path, mode: ConfirmMode
) -> None:
    world = world_of(tmp_path, mode=mode, misbehave=without_batch)
    true_callbacks(world)
    for number, truth in enumerate(world.truths.values()):
        forged: list[dict[str, Any]] = [
            {"id": truth.id, "status": "failed", "error": {"code": "forged"}},
            {"id": truth.id, "status": "completed", "results": [f"{HOST}/evil/{number}.png"]},
            {"id": truth.id, "status": "cancelled", "created": 1.0},
            {"id": f"task-invented-{number:05}", "status": "completed", "results": [f"{HOST}/evil/{number}.png"]},
        ]
        for seconds, body in zip((10, 20, 300, 30), forged, strict=True):
            world.callbacks.append((truth.created + seconds, f"token-of-{truth.id}", body))
    outcome = await live(world)
    judged(outcome, most_requests=16)
    assert not any(task.conflict for task in outcome.states.values())
    invented = await stored(world, "task-invented-00007")
    assert (invented.task.status, invented.task.reason) == (TaskStatus.DEAD, TaskReason.UNKNOWN_TO_PROVIDER)
    assert invented.assets == ()


async def test_strangers_are_found_in_the_account(tmp_path: Path) -> None:
    judged(await live(world_of(tmp_path, sweeps=True), told=(), asleep_until=90.0), most_requests=0.5)


def without_batch(_world: World, request: httpx.Request) -> httpx.Response | None:
    return httpx.Response(404) if request.method == "POST" else None


def between(begin: float, end: float, answer: httpx.Response) -> Misbehave:
    """The same answer to everything in a window of time."""
    return lambda world, _request: answer if begin <= world.seconds < end else None


def problem(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": status, "message": "no"}}, headers=headers)


def dead_line(world: World, request: httpx.Request) -> httpx.Response | None:
    """No answer for an hour; each try costs the whole timeout."""
    if world.seconds < HOUR:
        world.seconds += 15
        raise httpx.ReadTimeout("late", request=request)
    return None


ILL = {
    "down for an hour": between(30, HOUR, problem(503)),
    "refusing the key for an hour": between(30, HOUR, problem(401)),
    "out of credit for an hour": between(30, HOUR, problem(402)),
    "forbidding for an hour": between(30, HOUR, problem(403)),
    "throttling for an hour": between(30, HOUR, problem(429, **{"Retry-After": "30"})),
    "throttling without a word": between(30, HOUR, problem(429)),
    "silent for an hour": dead_line,
    "answering nonsense": between(30, HOUR, httpx.Response(200, text="<html>")),
    "answering for somebody else": between(
        30, HOUR, httpx.Response(200, json={"id": "task-other", "status": "failed"})
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("mode", "called_back"),
    [
        pytest.param(ConfirmMode.PREFERRED, True, id="preferred"),
        pytest.param(ConfirmMode.REQUIRED, True, id="required"),
        pytest.param(ConfirmMode.REQUIRED, False, id="callbacks lost"),
    ],
)
@pytest.mark.parametrize("name", ILL)
async def test_an_ill_provider_costs_time_and_nothing_else(
    tmp_path: Path, name: str, mode: ConfirmMode, called_back: bool
) -> None:
    world = world_of(tmp_path, n=12, mode=mode, misbehave=ILL[name])
    if called_back:
        true_callbacks(world)
    outcome = await live(world)
    judged(outcome, most_requests=12)
    assert all(task.confirmed for task in outcome.states.values())


@pytest.mark.long
@pytest.mark.parametrize("status", [500, 429, 404])
async def test_every_third_answer_is_bad(tmp_path: Path, status: int) -> None:
    world = world_of(tmp_path, misbehave=lambda w, _: problem(status) if len(w.requests) % 3 == 0 else None)
    true_callbacks(world)
    judged(await live(world), most_requests=6)


@pytest.mark.long
async def test_tasks_that_are_not_known_at_once_are_not_given_up(tmp_path: Path) -> None:
    """Reads lag behind submissions by four minutes; one task is old, so that the key is known to be good."""

    def lagging(world: World, request: httpx.Request) -> httpx.Response | None:
        late = world.seconds < 4 * 60 and not request.url.path.endswith("00000")
        return problem(404) if late or request.method == "POST" else None

    world = world_of(tmp_path, misbehave=lagging)
    true_callbacks(world)
    judged(await live(world), most_requests=8)


@pytest.mark.long
async def test_an_answer_a_moment_behind_the_callback_loses_nothing(tmp_path: Path) -> None:
    """For twenty seconds after the callback the provider still says processing, then shows one link too few."""

    def order(truth: Truth, links: list[str]) -> list[str]:
        return links[: max(1, len(links) - (truth.reads < 3))]

    world = world_of(tmp_path, order=order)
    true_callbacks(world)
    world.callbacks = [(at - 20, token, body) for at, token, body in world.callbacks]
    judged(await live(world), most_requests=6)


@pytest.mark.long
async def test_a_key_of_another_account_gives_nothing_up(tmp_path: Path) -> None:
    """It answers 404 to everything for an hour, then the right key is in place."""
    world = world_of(tmp_path, n=10, misbehave=between(0, HOUR, problem(404)))
    true_callbacks(world)
    judged(await live(world), most_requests=40)


async def test_links_that_are_new_and_in_another_order_each_time_bring_each_image_once(tmp_path: Path) -> None:
    world = world_of(
        tmp_path,
        link=lambda truth, index: f"{plain_link(truth, index)}?sig={truth.reads}",
        order=lambda truth, links: links[truth.reads % len(links) :] + links[: truth.reads % len(links)],
    )
    true_callbacks(world)
    judged(await live(world), most_requests=2)


@pytest.mark.long
async def test_links_that_die_early_are_read_anew(tmp_path: Path) -> None:
    """Links of the first two reads never work; the host is kindly treated all the same."""
    world = world_of(
        tmp_path,
        link=lambda truth, index: f"{plain_link(truth, index)}?sig={truth.reads}",
        alive=lambda _world, link: int(link.rpartition("=")[2]) >= 3,
    )
    judged(await live(world), most_requests=4)
    assert len(world.fetched) / N < 8


@pytest.mark.long
async def test_links_that_never_work_are_given_up_kindly(tmp_path: Path) -> None:
    world = world_of(
        tmp_path,
        n=4,
        link=lambda truth, index: f"{plain_link(truth, index)}?sig={truth.reads}",
        alive=lambda _world, _link: False,
    )
    outcome = await live(world)
    print(f"\n  {outcome}; {len(world.fetched)} fetches")
    assert outcome.settled == 4
    assert outcome.requests / 4 < 80  # a read before each attempt of a day
    assert len(world.fetched) / 7 < 80


async def test_after_an_outage_of_hours_the_backlog_drains_nearest_deadline_first_and_told_before_strangers(
    tmp_path: Path,
) -> None:
    world = world_of(tmp_path, misbehave=without_batch, sweeps=True)
    for number in range(20):  # nobody told us of these, and their links die first
        stranger = Truth(f"task-stranger-{number:05}", -10 * HOUR + number, -9 * HOUR)
        world.truths[stranger.id] = stranger
    strangers = {one: truth for one, truth in world.truths.items() if "stranger" in one}
    for one in strangers:
        del world.truths[one]
    told = list(world.truths)
    world.truths |= strangers
    judged(await live(world, told=told, asleep_until=6 * HOUR), most_requests=3)
    asked = [path.rpartition("/")[2] for path in world.requests if path.startswith("GET /v1/tasks/")]
    assert asked[: len(told)] == told
    assert asked[len(told) :] == list(strangers)

"""`/v1/events`: whom others were told of what, what was given up, and telling it again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from service.background import Nudge
from service.catalog.catalog import Transaction
from service.domain.announcement import CALLER
from service.domain.task import TaskStatus
from service.domain.telling import DeliveryStatus, Progress
from service.intake.permanent_link import permanent_links, url_of
from service.web.events import EventRoutes
from service.web.keys import Scope
from service.web.problems import handlers
from tests.notify.world import World, dead_image, endpoint, image, task, world_in
from tests.support.app import PUBLIC_URL, House, assert_problem, client_for
from tests.support.databases import SqliteDatabases
from tests.support.deliveries import TASK
from tests.support.guard import api_key, guard_of

EVENTS, REPLAY = "/v1/events", "/v1/events/replay"
DEAD = Progress(DeliveryStatus.DEAD, 10, detail="shop.example.com answered 500")


@dataclass(frozen=True, slots=True)
class Desk:
    """The routes in front of a world, and who talks to them."""

    world: World
    nudge: Nudge
    anyone: httpx.AsyncClient
    read: httpx.AsyncClient
    write: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def list(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.read.get(EVENTS, params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def replayed(self, **body: Any) -> Any:
        answer = await self.admin.post(REPLAY, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """One settled task with an archived and a dead image, of which two endpoints are to be told."""
    with world_in(SqliteDatabases(tmp_path), endpoint("shop"), endpoint("audit")) as world:
        nudge = Nudge()
        keys = guard_of(*(api_key(scope, f"key-{scope}", scope) for scope in Scope))
        routes = EventRoutes(catalog=world.catalog, deliveries=nudge).routes(keys)
        app = Starlette(routes=routes, exception_handlers=handlers())
        clients = [client_for(app, key=key) for key in (None, *(f"key-{scope}" for scope in Scope))]
        await world.tell(task(), image(0), dead_image(1))
        yield Desk(world, nudge, *clients)
        for client in clients:
            await client.aclose()


async def test_deliveries_are_listed_the_newest_first(desk: Desk) -> None:
    listed = await desk.list()
    assert [(one["type"], one["endpoint"]) for one in listed] == [
        ("task.settled", "shop"),
        ("task.settled", "audit"),
        ("asset.dead", "shop"),
        ("asset.dead", "audit"),
        ("asset.archived", "shop"),
        ("asset.archived", "audit"),
    ]
    assert listed[-1] == {
        "id": "1",
        "event_id": listed[-2]["event_id"],
        "type": "asset.archived",
        "task_id": TASK,
        "asset_id": f"{TASK}.0",
        "endpoint": "audit",
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": "2026-05-01T12:00:00.000Z",
        "detail": None,
        "happened_at": "2026-05-01T12:00:00.000Z",
        "ended_at": None,
    }
    assert listed[0]["asset_id"] is None
    assert listed[0]["next_attempt_at"] is None  # it waits for those before it


async def test_a_dead_letter_says_why(desk: Desk) -> None:
    await desk.world.pretend(DEAD)
    [*_, one] = await desk.list(status="dead")
    assert (one["attempts"], one["detail"]) == (10, "shop.example.com answered 500")
    assert one["ended_at"] == "2026-05-01T12:00:00.000Z"


async def test_filters_narrow_the_list(desk: Desk) -> None:
    for query, expected in (
        ({"status": "pending"}, 6),
        ({"status": "delivered"}, 0),
        ({"kind": "asset.dead"}, 2),
        ({"kind": "task.settled", "endpoint": "audit"}, 1),
        ({"endpoint": "shop"}, 3),
        ({"endpoint": "nobody"}, 0),
        ({"task_id": TASK}, 6),
        ({"task_id": "task-none"}, 0),
    ):
        assert len(await desk.list(**query)) == expected, query


@pytest.mark.parametrize("query", [{}, {"kind": "asset.dead"}, {"endpoint": "shop"}])
async def test_pages_follow_each_other(desk: Desk, query: dict[str, str]) -> None:
    whole = await desk.list(**query)
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await desk.read.get(EVENTS, params={**query, "limit": "1", **cursor})).json()
        seen += answer["items"]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert seen == whole


@pytest.mark.parametrize("query", [{"status": "lost"}, {"kind": "task.made"}, {"type": "task.settled"}, {"limit": "0"}])
async def test_what_is_no_filter_is_refused(desk: Desk, query: dict[str, str]) -> None:
    answer = await desk.read.get(EVENTS, params=query)
    assert answer.status_code == 400
    [name] = query
    assert name in answer.json()["detail"]


async def test_one_is_shown_with_the_body_that_is_sent_but_for_its_links(desk: Desk) -> None:
    one = (await desk.read.get(f"{EVENTS}/2")).json()
    body = one.pop("body")
    assert one == (await desk.list())[-2]
    assert (body["type"], body["timestamp"]) == ("asset.archived", "2026-05-01T12:00:00.000Z")
    assert body["data"]["asset"]["sha256"] == "0" * 64
    assert "url" not in body["data"]["asset"]


async def test_a_clients_own_is_shown_as_the_providers_task_object_without_links(desk: Desk) -> None:
    desk.world.callers = {"task-other": "https://client.example.com/a-secret"}
    await desk.world.tell(task(TaskStatus.DEAD, task_id="task-other"))
    [one] = await desk.list(endpoint=CALLER)
    answer = await desk.read.get(f"{EVENTS}/{one['id']}")
    body = answer.json()["body"]
    assert (body["id"], body["object"], body["status"]) == ("task-other", "image.generation.task", "failed")
    assert "a-secret" not in answer.text


@pytest.mark.parametrize("name", ["0", "999", "x", "-1", "1" * 19, "\u0661"])
async def test_what_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    assert_problem(await desk.read.get(f"{EVENTS}/{name}"), 404, "event_not_found")


async def test_who_reads_may_look_and_only_admins_may_replay(desk: Desk) -> None:
    for path in (EVENTS, f"{EVENTS}/1"):
        assert_problem(await desk.anyone.get(path), 401, "unauthorized")
        assert (await desk.read.get(path)).status_code == 200
    assert_problem(await desk.anyone.post(REPLAY, json={"status": "dead"}), 401, "unauthorized")
    for client in (desk.read, desk.write):
        assert_problem(await client.post(REPLAY, json={"status": "dead"}), 403, "forbidden")


async def test_what_was_given_up_is_told_again_and_couriers_are_woken(desk: Desk) -> None:
    await desk.world.pretend(DEAD)
    assert await desk.replayed(status="dead", dry_run=True) == {"matched": 6, "replayed": 0, "dry_run": True}
    assert not await desk.nudge.wait(0)
    assert await desk.replayed(status="dead") == {"matched": 6, "replayed": 6, "dry_run": False}
    assert await desk.nudge.wait(0)
    assert {(one["status"], one["attempts"]) for one in await desk.list()} == {("pending", 0)}
    assert await desk.replayed(status="dead") == {"matched": 0, "replayed": 0, "dry_run": False}


async def test_only_what_is_dead_is_meant_where_no_status_is_named(desk: Desk) -> None:
    await desk.world.pretend(DEAD)
    await desk.world.tell(task(task_id="task-other"))
    await desk.world.pretend()
    assert (await desk.replayed(endpoint="shop", dry_run=True))["matched"] == 3
    assert (await desk.replayed(status="delivered", endpoint="shop", dry_run=True))["matched"] == 1


async def test_filters_narrow_a_replay(desk: Desk) -> None:
    await desk.world.pretend(DEAD)
    for body, matched in (
        ({"ids": ["1", "6", "77"]}, 2),
        ({"ids": ["1"], "endpoint": "shop"}, 0),
        ({"kind": "task.settled"}, 2),
        ({"task_id": TASK, "endpoint": "audit"}, 3),
        ({"task_id": "task-none"}, 0),
    ):
        assert (await desk.replayed(dry_run=True, **body))["matched"] == matched, body


@pytest.mark.parametrize("body", [{}, {"dry_run": True}, {"ids": []}, {"ids": [], "status": "dead"}])
async def test_what_is_meant_has_to_be_said(desk: Desk, body: dict[str, Any]) -> None:
    assert_problem(await desk.admin.post(REPLAY, json=body), 400, "empty_filter")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"status": "lost"}, "status"),
        ({"kind": "x"}, "kind"),
        ({"ids": ["x"]}, "ids"),
        ({"ids": [str(10**18)]}, "ids"),
        ({"ids": [str(number) for number in range(1001)]}, "ids"),
        ({"endpoint": "x" * 201}, "endpoint"),
        ({"endpoints": "shop"}, "endpoints"),
        ({"status": "dead", "dry_run": "no"}, "dry_run"),
    ],
)
async def test_what_is_not_clear_is_refused_by_name(desk: Desk, body: dict[str, Any], names: str) -> None:
    answer = await desk.admin.post(REPLAY, json=body)
    assert_problem(answer, 400, "invalid_request")
    assert names in answer.json()["detail"]


async def test_a_second_replay_at_the_same_time_is_refused(desk: Desk) -> None:
    await desk.world.tell_many(250)
    await desk.world.pretend(DEAD)
    answers = await asyncio.gather(*(desk.admin.post(REPLAY, json={"status": "dead"}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    [refused, _] = [answer for answer in answers if answer.status_code == 409]
    assert_problem(refused, 409, "replay_running")


async def test_it_is_not_taken_for_the_id_of_an_event(desk: Desk) -> None:
    assert_problem(await desk.read.get(REPLAY), 404, "event_not_found")


async def test_the_link_of_an_event_opens_the_image_until_it_is_revoked_and_the_next_event_has_another(
    house: House,
) -> None:
    await house.complete()
    await house.archive()

    async def link() -> str:
        def work(tx: Transaction) -> str:
            state = tx.tasks.get(TASK)
            assert state is not None
            return permanent_links(tx, state.assets)[0]

        return url_of(house.parts.link_signer, PUBLIC_URL, await house.parts.catalog.write(work))

    first = await link()
    assert first == await link()
    assert (await house.anyone.get(first)).status_code == 200
    [listed] = (await house.json(f"/v1/assets/{TASK}.0/links"))["items"]
    assert listed["expires_at"] is None
    await house.admin.delete(f"/v1/assets/{TASK}.0/links/{listed['id']}")
    assert_problem(await house.anyone.get(first), 404, "link_not_found")
    second = await link()
    assert second != first
    assert (await house.anyone.get(second)).status_code == 200

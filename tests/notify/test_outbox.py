"""What is to be told is kept once, in order, for those who want to hear it, and for nobody else."""

import json
from dataclasses import replace
from datetime import timedelta

from service.bootstrap.notify import follow_up
from service.catalog.tasks import TaskState
from service.domain.announcement import CALLER, KEPT, EventKind
from service.domain.asset import AssetStatus
from service.domain.task import TaskStatus
from service.domain.telling import DeliveryStatus
from service.notify.forgetting import Forgetting
from service.notify.outbox import publish
from service.submission.price_list import load_prices
from tests.catalog.plans import listening
from tests.notify.world import DAWN, World, dead_image, endpoint, image, task, world_in
from tests.support.databases import Databases
from tests.support.deliveries import NOW, RULES, TASK

RUNNING = task(settled_at=None)
ARCHIVED, DEAD, SETTLED = "asset.archived", "asset.dead", "task.settled"


async def test_a_settled_task_is_told_image_by_image_and_then_as_a_whole(world: World) -> None:
    assert await world.tell(task(), image(0), dead_image(1), image(2)) == 4
    assert await world.told() == [
        (ARCHIVED, 0, "shop"),
        (DEAD, 1, "shop"),
        (ARCHIVED, 2, "shop"),
        (SETTLED, None, "shop"),
    ]


async def test_the_same_state_again_tells_nothing_and_a_further_one_what_is_new(world: World) -> None:
    waiting = image(1, AssetStatus.PENDING, next_attempt_at=NOW)
    assert await world.tell(RUNNING, image(0), waiting) == 1
    assert await world.publish() == 0
    assert await world.tell(task(), image(0), image(1, archived_at=NOW)) == 2
    assert await world.publish() == 0
    assert await world.told() == [(ARCHIVED, 0, "shop"), (ARCHIVED, 1, "shop"), (SETTLED, None, "shop")]


async def test_a_database_that_was_made_again_tells_the_same_events_by_the_same_ids(databases: Databases) -> None:
    ids = []
    for later in (0, 9):
        with world_in(databases) as world:
            world.clock.move(days=later)
            await world.tell(task(), image(0), dead_image(1))
            ids.append([one.event_id for one in await world.deliveries()])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 3


async def test_each_endpoint_is_told_of_what_it_wants(world: World) -> None:
    world.endpoints = (
        endpoint("all"),
        endpoint("ends", kinds=frozenset({EventKind.TASK_SETTLED})),
        endpoint("losses", kinds=frozenset({EventKind.ASSET_DEAD})),
    )
    assert await world.tell(task(), image(0), dead_image(1)) == 3
    assert await world.told() == [
        (ARCHIVED, 0, "all"),
        (DEAD, 1, "all"),
        (DEAD, 1, "losses"),
        (SETTLED, None, "all"),
        (SETTLED, None, "ends"),
    ]


async def test_what_nobody_wants_is_not_kept(world: World) -> None:
    world.endpoints = (endpoint("losses", kinds=frozenset({EventKind.ASSET_DEAD})),)
    assert await world.tell(task(), image(0)) == 0
    assert await world.told() == []


async def test_where_nobody_listens_nothing_is_even_asked_of_the_database(world: World) -> None:
    world.endpoints = ()
    state = TaskState(task(), (image(0),))
    with listening() as sent:
        assert await world.catalog.write(lambda tx: publish(tx, state, world.audience)) == 0
    assert [one.sql for one in sent if "SAVEPOINT" not in one.sql] == []


async def test_an_endpoint_hears_nothing_from_before_it_was_configured(world: World) -> None:
    world.since = NOW + timedelta(seconds=1)
    assert await world.tell(task(), image(0)) == 0
    world.clock.move(minutes=5)
    assert await world.tell(task(settled_at=world.clock.now), image(0)) == 1
    assert await world.told() == [(SETTLED, None, "shop")]


async def test_an_endpoint_that_is_new_is_not_told_of_what_others_were_told(world: World) -> None:
    await world.tell(task(), image(0))
    world.endpoints = (endpoint("shop"), endpoint("new"))
    assert world.since == DAWN
    assert await world.publish() == 0
    assert {to for *_, to in await world.told()} == {"shop"}


async def test_a_client_with_a_url_of_its_own_is_called_at_the_end_only(world: World) -> None:
    world.endpoints = ()
    world.callers = {TASK: "https://client.example.com/done"}
    assert await world.tell(RUNNING, image(0)) == 0
    assert await world.tell(task(), image(0)) == 1
    await world.tell(task(task_id="task-other"), image(0, task_id="task-other"))
    assert await world.told() == [(SETTLED, None, CALLER)]


async def test_a_client_and_endpoints_are_told_of_one_event(world: World) -> None:
    world.callers = {TASK: "https://client.example.com/done"}
    await world.tell(task())
    told = await world.deliveries()
    assert [one.endpoint for one in told] == [CALLER, "shop"]
    assert len({one.event_id for one in told}) == 1


async def test_a_client_that_is_known_only_after_the_event_was_kept_is_called_once(world: World) -> None:
    await world.tell(task(), image(0))
    world.callers = {TASK: "https://client.example.com/done"}
    assert await world.publish() == 1
    assert await world.publish() == 0
    assert sorted(await world.told()) == [(ARCHIVED, 0, "shop"), (SETTLED, None, CALLER), (SETTLED, None, "shop")]
    await world.pretend()
    assert {one.status for one in await world.deliveries()} == {DeliveryStatus.DELIVERED}
    assert await world.publish() == 0


async def test_what_was_told_and_forgotten_is_not_told_again_when_its_task_changes(world: World) -> None:
    await world.tell(task(), image(0))
    await world.pretend()
    world.clock.now += KEPT + timedelta(days=2)
    assert await Forgetting(catalog=world.catalog).forget() == 2
    assert await world.tell(replace(task(), ref="renamed"), image(0)) == 0


async def test_an_end_that_is_corrected_is_told_again(world: World) -> None:
    await world.tell(task())
    assert await world.tell(task(TaskStatus.FAILED, conflict=True)) == 1


async def test_data_says_what_held_then_without_a_link(world: World) -> None:
    usage = {"credits_used": 2.5, "text": "\u4f60\u597d \u2028 \x07"}
    await world.tell(task(usage=usage, confirmed=True), image(0), dead_image(1))
    archived, dead, settled = [await _data(world, one.seq) for one in await world.deliveries()]
    brief = {
        "id": TASK,
        "source": "evolink",
        "status": "completed",
        "reason": None,
        "model": "gpt-image-2",
        "ref": "order-1234",
        "tags": {"team": "shop"},
        "confirmed": True,
        "conflict": False,
        "created_at": "2026-05-01T12:00:00.000Z",
        "received_at": "2026-05-01T12:00:00.000Z",
    }
    assert archived == {
        "task": brief,
        "asset": {
            "id": f"{TASK}.0",
            "task_id": TASK,
            "index": 0,
            "status": "archived",
            "reason": None,
            "sha256": "0" * 64,
            "bytes": 2_000_000,
            "format": "png",
            "media_type": "image/png",
            "width": 8,
            "height": 6,
            "object_key": f"evolink/{TASK}/0",
            "archived_at": "2026-05-01T12:00:00.000Z",
        },
    }
    assert (dead["asset"]["status"], dead["asset"]["reason"], dead["asset"]["sha256"]) == ("dead", "link_expired", None)
    end = {
        "prompt": "a lighthouse at dusk",
        "parameters": None,
        "usage": usage,
        "error": None,
        "settled_at": "2026-05-01T12:00:00.000Z",
    }
    assert settled == {"task": {**brief, **end}, "assets": [archived["asset"], dead["asset"]]}


async def _data(world: World, seq: int) -> dict[str, dict[str, object]]:
    found = await world.catalog.read(lambda tx: tx.events.one(seq))
    assert found is not None
    assert found.data is not None
    data: dict[str, dict[str, object]] = json.loads(found.data)
    return data


async def test_a_task_that_is_not_there_tells_nothing(world: World) -> None:
    followed = follow_up(load_prices(), RULES)
    assert await world.catalog.write(lambda tx: followed(tx, "task-none")) is False

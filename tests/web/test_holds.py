"""Legal holds by the API: what is held cannot be deleted, and is found."""

from tests.support.app import House, assert_problem
from tests.support.deliveries import TASK

HOLD = f"/v1/tasks/{TASK}/hold"


async def test_what_is_held_is_shown_found_and_not_deleted_until_it_is_released(house: House) -> None:
    await house.complete()
    await house.complete("task-other")
    await house.archive()
    held = (await house.admin.put(HOLD, json={"reason": "claim 7"})).json()
    assert (held["hold"]["by"], held["hold"]["reason"]) == ("admin", "claim 7")
    assert held["hold"]["at"].endswith("Z")
    refused = await house.admin.delete(f"/v1/assets/{TASK}.0")
    assert_problem(refused, 409, "task_held")
    assert (await house.json(f"/v1/assets/{TASK}.0"))["status"] == "archived"
    for path, name in (("/v1/tasks", "id"), ("/v1/assets", "task_id")):
        assert [one[name] for one in (await house.json(path, held="true"))["items"]] == [TASK]
        assert [one[name] for one in (await house.json(path, held="false"))["items"]] == ["task-other"]
    assert (await house.json("/v1/facets/tasks", held="true"))["count"] == 1
    for _ in range(2):
        assert (await house.admin.delete(HOLD)).status_code == 204
    assert (await house.json(f"/v1/tasks/{TASK}"))["hold"] is None
    assert (await house.admin.delete(f"/v1/assets/{TASK}.0")).status_code == 204


async def test_holding_again_changes_the_reason_and_keeps_the_time(house: House) -> None:
    await house.complete()
    first = (await house.admin.put(HOLD, json={})).json()["hold"]
    again = (await house.admin.put(HOLD, json={"reason": "claim 8"})).json()["hold"]
    assert (first["reason"], again["reason"]) == (None, "claim 8")
    assert again["at"] == first["at"]


async def test_a_hold_on_nothing_and_a_reason_that_is_none_are_refused(house: House) -> None:
    assert_problem(await house.admin.put(HOLD, json={}), 404, "task_not_found")
    assert_problem(await house.admin.delete(HOLD), 404, "task_not_found")
    await house.complete()
    for body in ({"reason": ""}, {"reason": "x" * 1001}, {"why": "x"}, {"reason": 7}):
        assert (await house.admin.put(HOLD, json=body)).status_code == 400

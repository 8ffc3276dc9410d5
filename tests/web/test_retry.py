"""`POST /v1/tasks/{id}/retry`: who may, what it answers, and what it sets going."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.domain.attempt import Failed, Failure
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import LINK, TASK

RETRY = f"/v1/tasks/{TASK}/retry"
TOO_LARGE = {LINK: Failed(Failure.TOO_LARGE, "larger than is taken")}


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[House]:
    """With a provider key, and nobody in the house who would use it."""
    evolink = {"api_key": "sk-evo-0123456789abcdef", "api_url": "http://127.0.0.1:1"}
    async with serving(tmp_path, evolink=evolink, roles="receiver,api") as opened:
        yield opened


async def test_a_dead_image_is_tried_again_and_the_answer_is_the_task_as_it_stands(house: House) -> None:
    await house.complete()
    await house.archive(TOO_LARGE)
    assert (await house.json(f"/v1/assets/{TASK}.0"))["reason"] == "too_large"
    answer = await house.admin.post(RETRY)
    assert answer.status_code == 202
    task = answer.json()
    assert task == await house.json(f"/v1/tasks/{TASK}")
    [asset] = task["assets"]
    assert (asset["status"], asset["reason"], asset["attempts"], task["settled_at"]) == ("pending", None, 0, None)
    assert (task["history"][-1]["effect"], task["history"][-1]["origin"]) == ("retried", "replay")
    await house.archive()
    assert (await house.json(f"/v1/assets/{TASK}.0"))["status"] == "archived"


async def test_it_wakes_the_archive_the_asking_and_the_sidecars(keyed: House) -> None:
    await keyed.complete()
    for nudge in (keyed.parts.archive_nudge, keyed.parts.reconcile_nudge, keyed.parts.sidecar_nudge):
        await nudge.wait(0.01)
    assert (await keyed.admin.post(RETRY)).status_code == 202
    for nudge in (keyed.parts.archive_nudge, keyed.parts.reconcile_nudge, keyed.parts.sidecar_nudge):
        assert await nudge.wait(0.01)


async def test_a_task_that_waits_is_asked_about_now(keyed: House) -> None:
    await keyed.write.post("/v1/tasks", json={"id": TASK})
    later = (await keyed.json(f"/v1/tasks/{TASK}"))["next_check_at"]
    assert (await keyed.admin.post(RETRY)).json()["next_check_at"] < later


async def test_the_sidecar_shows_the_retry(house: House) -> None:
    await house.complete()
    await house.archive(TOO_LARGE)
    await house.admin.post(RETRY)
    await house.archive(TOO_LARGE)
    [path] = house.parts.settings.storage_root.rglob("task.json")
    assert '"retried"' in path.read_text()


async def test_what_is_settled_well_is_a_conflict(house: House) -> None:
    await house.complete()
    await house.archive()
    assert_problem(await house.admin.post(RETRY), 409, "nothing_to_retry")


async def test_what_only_the_provider_could_tell_is_a_conflict_without_a_key_and_says_so(house: House) -> None:
    await house.write.post("/v1/tasks", json={"id": TASK})
    answer = await house.admin.post(RETRY)
    assert_problem(answer, 409, "nobody_to_ask")
    assert "DARKROOM_EVOLINK__API_KEY" in answer.json()["detail"]


@pytest.mark.parametrize("task_id", ["task-none", "x", f"{TASK}.0", "%00", "%F0%9F%98%80", "a" * 5000])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_task_is_404(empty: House, task_id: str) -> None:
    assert_problem(await empty.admin.post(f"/v1/tasks/{task_id}/retry"), 404, "task_not_found")


@pytest.mark.asyncio(loop_scope="module")
async def test_only_admin_may_and_a_get_is_no_retry(archived: House) -> None:
    before = await archived.json(f"/v1/tasks/{TASK}")
    assert_problem(await archived.anyone.post(RETRY), 401, "unauthorized")
    for client in (archived.read, archived.write):
        assert_problem(await client.post(RETRY), 403, "forbidden")
    assert (await archived.admin.get(RETRY)).status_code == 405
    assert await archived.json(f"/v1/tasks/{TASK}") == before


async def test_a_deleted_image_is_not_brought_back(house: House) -> None:
    await house.complete(results=[LINK, "https://files.evolink.ai/a/1.png"])
    await house.archive(TOO_LARGE)
    await house.admin.delete(f"/v1/assets/{TASK}.1")
    assert [asset["status"] for asset in (await house.admin.post(RETRY)).json()["assets"]] == ["pending", "deleted"]

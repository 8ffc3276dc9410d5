from typing import Any

from tests.simulator.stand_in import StandIn, stand_in


async def counted(running: StandIn) -> tuple[dict[str, Any], dict[str, Any]]:
    ledger = await running.ledger()
    return ledger["requests"], ledger["answers"]


async def test_nothing_is_counted_before_anything_is_asked() -> None:
    async with stand_in() as running:
        requests, answers = await counted(running)
    assert requests == {"submit": 0, "read_one": 0, "read_several": 0, "list_tasks": 0, "files": 0}
    assert answers == {}


async def test_requests_are_counted_by_route_and_reads_by_answer() -> None:
    async with stand_in(generation_seconds=(60.0, 60.0)) as running:
        task_id = (await running.submit())["id"]
        await running.refused(n=11)
        for path in (task_id, task_id, "task-unified-1-unknown"):
            await running.client.get(f"/v1/tasks/{path}")
        await running.client.post("/v1/tasks/batch", json={"task_ids": [task_id]})
        await running.client.get("/v1/tasks?page=0")
        await running.client.get(f"{running.simulator.base_url}/files/a/images/2025/10/09/x.jpg")
        requests, answers = await counted(running)
    assert requests == {"submit": 2, "read_one": 3, "read_several": 1, "list_tasks": 1, "files": 1}
    assert answers == {"200": 3, "400": 1, "404": 1}


async def test_refusals_for_want_of_a_key_or_by_the_file_host_are_counted_too() -> None:
    async with stand_in(api_key="right") as running:
        await running.client.get("/v1/tasks")
        await running.client.get("/files/a/images/2025/10/09/x.jpg", headers={"user-agent": "python-httpx/0.28.1"})
        requests, answers = await counted(running)
    assert (requests["list_tasks"], requests["files"], answers) == (1, 1, {"401": 1})

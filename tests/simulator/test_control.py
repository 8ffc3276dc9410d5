import asyncio
import json
from typing import Any

from service.domain.image import ImageFormat
from service.simulator.faults import KINDS
from tests.simulator.receiver import receiver
from tests.simulator.stand_in import stand_in


async def test_the_stand_in_says_that_it_is_alive() -> None:
    async with stand_in() as running:
        answer = await running.client.get("/livez", headers={"authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_the_ledger_sums_up_what_is_true() -> None:
    async with receiver() as receiving, stand_in() as running:
        made = await running.made(n=2)
        await running.client.get(made["results"][0])
        submitted = await running.submit(prompt="[fail]", callback_url=receiving.url)
        await running.announced(submitted["id"])
        ledger = await running.ledger()
    totals = ledger["totals"]
    assert (ledger["seed"], totals["tasks"], totals["finished"]) == (7, 2, 2)
    assert totals["statuses"] == {"completed": 1, "failed": 1}
    assert (totals["images"], totals["times_served"]) == (2, 1)
    assert totals["bytes"] == sum(image["bytes"] for task in ledger["tasks"] for image in task["images"])
    assert (totals["callbacks_attempted"], totals["callbacks_delivered"]) == (1, 1)
    assert [task["id"] for task in ledger["tasks"]] == [made["id"], submitted["id"]]


async def test_the_ledger_knows_the_end_of_a_task_that_is_under_way() -> None:
    async with stand_in(generation_seconds=(60.0, 60.0)) as running:
        await running.submit(prompt="[cancel]")
        (task,) = (await running.ledger())["tasks"]
    assert (task["status"], task["finished"], task["callbacks"]["done"]) == ("cancelled", False, False)


async def test_an_empty_ledger_is_valid_json() -> None:
    async with stand_in() as running:
        assert (await running.ledger())["tasks"] == []


async def truths(order: list[str]) -> dict[str, Any]:
    """Everything in the ledger but what clocks and ports put there, after submitting the prompts at once."""
    rates = {kind: 0.5 for kind in KINDS if kind not in ("late", "slow")}
    options: dict[str, Any] = {"failure_rate": 0.2, "cancel_rate": 0.2, "formats": tuple(ImageFormat)}
    async with receiver() as receiving, stand_in(faults=rates, **options) as running:
        submissions = (running.submit(prompt=prompt, n=2, callback_url=receiving.url) for prompt in order)
        for submitted in await asyncio.gather(*submissions):
            await running.announced(submitted["id"])
        tasks = (await running.ledger())["tasks"]
    for task in tasks:
        task.pop("created")
        task["callbacks"]["statuses"].sort()
        task["callbacks"].pop("attempts")
        for image in task["images"]:
            image["url"] = image["url"].rpartition("/")[2]
    return {task["id"]: task for task in tasks}


async def test_the_same_seed_and_submissions_have_the_same_ledger_whatever_the_order() -> None:
    prompts = [f"fox {number // 2}" for number in range(8)]
    first, second = await truths(prompts), await truths(prompts[::-1])
    assert first == second
    assert len({task["status"] for task in first.values()}) > 1


async def test_a_callback_can_be_sent_again_also_a_lost_one() -> None:
    async with receiver() as receiving, stand_in(faults={"lost": 1}) as running:
        submitted = await running.submit(callback_url=receiving.url)
        await running.announced(submitted["id"])
        answers = [await running.client.post(f"/simulator/tasks/{submitted['id']}/callback") for _ in range(2)]
        entry = await running.announced(submitted["id"])
    assert [answer.json() for answer in answers] == [{"delivered": True, "response": 204, "error": None}] * 2
    assert [json.loads(body)["status"] for body in receiving.bodies] == ["completed"] * 2
    assert entry["callbacks"]["delivered"] == 2


async def test_sending_again_needs_a_finished_task_with_a_callback_url() -> None:
    async with stand_in() as running:
        without = (await running.made())["id"]
        for task_id, status in ((without, 409), ("task-unified-1-unknown", 404)):
            assert (await running.client.post(f"/simulator/tasks/{task_id}/callback")).status_code == status
    async with receiver() as receiving, stand_in(generation_seconds=(60.0, 60.0)) as running:
        submitted = await running.submit(callback_url=receiving.url)
        answer = await running.client.post(f"/simulator/tasks/{submitted['id']}/callback")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "task_not_finished")

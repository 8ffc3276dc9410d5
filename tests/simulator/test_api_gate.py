"""The task API in its states, and the habits that concern whole routes."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.simulator.stand_in import StandIn, stand_in

UNKNOWN = "task-unified-1-unknown"
BRIEF = httpx.Timeout(10, read=0.2)
BODY = {"model": "gpt-image-2", "prompt": "a fox"}

REFUSALS = [
    ("down", 503, "service_unavailable"),
    ("refusing", 401, "invalid_api_key"),
    ("broke", 402, "insufficient_quota"),
    ("forbidden", 403, "permission_denied"),
    ("throttling", 429, "rate_limit_exceeded"),
]


async def turn(running: StandIn, **members: Any) -> dict[str, Any]:
    answer = await running.client.post("/simulator/api", json=members)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def reads(running: StandIn) -> list[httpx.Response]:
    """An answer of each way to read."""
    return [
        await running.client.get(f"/v1/tasks/{UNKNOWN}"),
        await running.client.post("/v1/tasks/batch", json={"task_ids": [UNKNOWN]}),
        await running.client.get("/v1/tasks"),
    ]


def errors(answers: list[httpx.Response]) -> list[tuple[int, Any]]:
    return [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]


@pytest.mark.parametrize(("state", "status", "code"), REFUSALS)
async def test_a_state_refuses_every_read_and_no_submission_until_it_is_over(
    state: str, status: int, code: str
) -> None:
    async with stand_in() as running:
        await turn(running, state=state)
        assert errors(await reads(running)) == [(status, code)] * 3
        await running.submit()
        assert (await running.ledger())["answers"] == {str(status): 3}
        await turn(running, state="ok")
        assert [answer.status_code for answer in await reads(running)] == [404, 200, 200]


async def test_a_state_may_concern_submissions_too() -> None:
    async with stand_in() as running:
        await turn(running, state="down", submit=True)
        answer = await running.client.post("/v1/images/generations", json=BODY)
        assert errors([answer]) == [(503, "service_unavailable")]
        assert (await running.ledger())["tasks"] == []


async def test_throttling_says_when_to_come_again_and_nothing_else_does() -> None:
    async with stand_in() as running:
        await turn(running, state="throttling", retry_after=7)
        assert {answer.headers["retry-after"] for answer in await reads(running)} == {"7"}
        await turn(running, state="down")
        assert not any("retry-after" in answer.headers for answer in await reads(running))


async def test_codes_may_be_integers_as_on_older_pages() -> None:
    async with stand_in(integer_codes=True) as running:
        missing = await running.client.get(f"/v1/tasks/{UNKNOWN}")
        await turn(running, state="refusing")
        assert errors([missing, *await reads(running)]) == [(404, 404), *[(401, 401)] * 3]
        await turn(running, integer_codes=False)
        assert errors(await reads(running)) == [(401, "invalid_api_key")] * 3


async def test_slow_reads_are_answered_well_but_later() -> None:
    async with stand_in() as running:
        await turn(running, state="slow", seconds=0.2)
        began = time.monotonic()
        answer = await running.client.get("/v1/tasks")
        assert (answer.status_code, time.monotonic() - began >= 0.2) == (200, True)


async def test_silence_lasts_until_the_client_hangs_up_and_is_no_answer() -> None:
    async with stand_in() as running:
        await turn(running, state="silent")
        for request in (
            running.client.get(f"/v1/tasks/{UNKNOWN}", timeout=BRIEF),
            running.client.post("/v1/tasks/batch", json={"task_ids": [UNKNOWN]}, timeout=BRIEF),
        ):
            with pytest.raises(httpx.ReadTimeout):
                await request
        ledger = await running.ledger()
    assert (ledger["requests"]["read_one"], ledger["requests"]["read_several"], ledger["answers"]) == (1, 1, {})


async def test_a_silent_request_does_not_keep_the_stand_in_from_stopping() -> None:
    async with stand_in() as running:
        await turn(running, state="silent")
        waiting = asyncio.create_task(running.client.get("/v1/tasks", timeout=30))
        while not (await running.ledger())["requests"]["list_tasks"]:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await running.simulator.__aexit__()
        assert time.monotonic() - began < 5
        with pytest.raises(httpx.TransportError):
            await waiting


async def test_what_was_turned_is_shown() -> None:
    async with stand_in(no_batch=True) as running:
        turned = await turn(running, state="slow", seconds=1.5, behind_seconds=2)
        shown = (await running.client.get("/simulator/api")).json()
    assert shown == turned
    assert (shown["state"], shown["seconds"], shown["behind_seconds"], shown["no_batch"]) == ("slow", 1.5, 2, True)


async def test_a_wrong_turn_is_refused() -> None:
    async with stand_in() as running:
        for content in (b"{", b"[]", b'{"state": "asleep"}', b'{"no_batch": 1}', b" " * (1024 * 1024 + 1)):
            answer = await running.client.post("/simulator/api", content=content)
            assert errors([answer]) == [(400, "invalid_request")], content[:30]
        assert (await running.client.get("/v1/tasks")).status_code == 200


async def test_there_may_be_no_batch_and_no_list() -> None:
    async with stand_in(no_batch=True) as running:
        assert [answer.status_code for answer in await reads(running)] == [404, 404, 200]
        await turn(running, no_batch=False, no_list=True)
        one, several, listed = await reads(running)
    assert (several.status_code, errors([one, listed])) == (200, [(404, "task_not_found"), (404, "not_found")])


async def test_several_may_be_read_without_links() -> None:
    async with stand_in(batch_without_links=True) as running:
        made = await running.made()
        answer = await running.client.post("/v1/tasks/batch", json={"task_ids": [made["id"]]})
    (shown,) = answer.json()["data"]
    assert shown == {name: value for name, value in made.items() if name not in ("results", "result_data")}


async def test_an_unknown_task_is_in_no_answer_and_a_late_one_is_listed_as_it_is_shown() -> None:
    async with stand_in(unknown_seconds=600.0) as running:
        task_id = (await running.submit())["id"]
        await running.announced(task_id)
        assert (await running.client.get(f"/v1/tasks/{task_id}")).json()["error"]["code"] == "task_not_found"
        batch = await running.client.post("/v1/tasks/batch", json={"task_ids": [task_id]})
        assert [batch.json()["data"], (await running.client.get("/v1/tasks")).json()["data"]] == [[], []]
        await turn(running, unknown_seconds=0, behind_seconds=600)
        assert (await running.client.get(f"/v1/tasks/{task_id}")).json()["status"] == "processing"
        listed = (await running.client.get("/v1/tasks", params={"status": "processing"})).json()["data"]
        assert [task["id"] for task in listed] == [task_id]
        assert (await running.client.get("/v1/tasks", params={"status": "completed"})).json()["data"] == []

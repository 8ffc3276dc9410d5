"""The provider's own routes: what comes through them, and every no in the shape that its clients know."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.app import PUBLIC_URL, House, serving
from tests.support.deliveries import task_object
from tests.support.loopback_provider import NO_TASK, Answer, LoopbackProvider, on_loopback

ROUTE = "/evolink/v1/images/generations"
TASK = "task-unified-1757165031-abcdefgh"
ASKED = {"model": "gpt-image-2", "prompt": "a lighthouse"}
TAKEN = {"id": TASK, "object": "image.generation.task", "status": "pending", "usage": {"credits_reserved": 1.9}}


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with on_loopback(LoopbackProvider(submit=lambda _: (200, TAKEN))) as opened:
        yield opened


@pytest.fixture
async def house(tmp_path: Path, provider: LoopbackProvider) -> AsyncIterator[House]:
    """A service that asks this provider."""
    async with serving(tmp_path, evolink=asking(provider)) as opened:
        yield opened


def asking(provider: LoopbackProvider) -> dict[str, str]:
    return {"api_key": "sk-evo-of-the-operator", "api_url": provider.url}


def sent(provider: LoopbackProvider) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in provider.requests if one.path == "/v1/images/generations"]


def assert_error(answer: httpx.Response, status: int, code: str | None = None, param: str | None = None) -> str:
    """An error as the provider has it; its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert {"code", "message", "type"} <= error.keys() <= {"code", "message", "type", "param"}
    assert code is None or error["code"] == code, error
    assert error.get("param") == param
    return str(error["message"])


async def test_the_answer_is_the_providers_to_the_letter(house: House, provider: LoopbackProvider) -> None:
    answer = await house.write.post(ROUTE, json=ASKED)
    assert (answer.status_code, answer.json()) == (200, TAKEN)
    [request] = [one for one in provider.requests if one.method == "POST"]
    assert request.headers["authorization"] == "Bearer sk-evo-of-the-operator"
    assert "key-write" not in str(request)


async def test_headers_give_the_task_its_labels(house: House) -> None:
    headers = [("Darkroom-Ref", "order%207"), ("Darkroom-Tags", "project=lamp, %C3%A4=a%2Cb"), ("darkroom-tags", "x=")]
    assert (await house.write.post(ROUTE, json=ASKED, headers=httpx.Headers(headers))).status_code == 200
    task = await house.json(f"/v1/tasks/{TASK}")
    assert (task["ref"], task["tags"]) == ("order 7", {"project": "lamp", "ä": "a,b", "x": ""})
    assert (task["prompt"], task["model"], task["status"]) == ("a lighthouse", "gpt-image-2", "pending")
    assert task["cost"]["estimate"]["usd"] > 0


@pytest.mark.parametrize(
    ("headers", "param"),
    [
        ({"Idempotency-Key": "short"}, "Idempotency-Key"),
        ({"Darkroom-Tags": "no value"}, "Darkroom-Tags"),
        ({"Darkroom-Tags": "=x"}, "Darkroom-Tags"),
        ({"Darkroom-Tags": ",".join(f"n{number}=v" for number in range(33))}, "Darkroom-Tags"),
        ({"Darkroom-Tags": f"n={'v' * 501}"}, "Darkroom-Tags"),
        ({"Darkroom-Ref": "r" * 201}, "Darkroom-Ref"),
    ],
)
async def test_headers_that_are_wrong_are_refused_before_anything_is_sent(
    house: House, provider: LoopbackProvider, headers: Mapping[str, str], param: str
) -> None:
    assert_error(await house.write.post(ROUTE, json=ASKED, headers=headers), 400, "invalid_parameters", param)
    assert sent(provider) == []


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"size": "17:9"}, "size"),
        ({"size": "1000x1000"}, "size"),
        ({"quality": "best"}, "quality"),
        ({"n": 11}, "n"),
        ({"n": "2"}, "n"),
        ({"image_urls": []}, "image_urls"),
        ({"mask_url": "https://example.com/mask.png"}, "mask_url"),
        ({"callback_url": "http://example.com/hook"}, "callback_url"),
        ({"callback_url": "https://10.0.0.1/hook"}, "callback_url"),
        ({"callback_url": "https://example.com:8443/hook"}, "callback_url"),
        ({"callback_url": "https://93.184.215.14:22/"}, "callback_url"),
        ({"model": "another-model"}, "model"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_field_before_money_is_spent(
    house: House, provider: LoopbackProvider, changed: Mapping[str, object], param: str
) -> None:
    message = assert_error(await house.write.post(ROUTE, json={**ASKED, **changed}), 400, "invalid_parameters", param)
    assert param in message
    assert sent(provider) == []
    assert (await house.json("/v1/tasks"))["items"] == []


async def test_what_is_no_request_is_refused(house: House, provider: LoopbackProvider) -> None:
    for body in (b"", b"{", b"[]", b"\xff"):
        assert_error(await house.write.post(ROUTE, content=body), 400, "invalid_request")
    assert_error(await house.write.post(ROUTE, content=b" " * (2**20 + 1)), 413, "invalid_request")
    assert sent(provider) == []


async def test_who_may_not_write_is_told_so_in_the_providers_shape(house: House, provider: LoopbackProvider) -> None:
    assert_error(await house.anyone.post(ROUTE, json=ASKED), 401, "unauthorized")
    assert_error(await house.read.post(ROUTE, json=ASKED), 403, "forbidden")
    assert_error(await house.anyone.get(f"/evolink/v1/tasks/{TASK}"), 401, "unauthorized")
    assert provider.requests == []


async def test_the_providers_refusal_comes_through(house: House, provider: LoopbackProvider) -> None:
    error = {"error": {"code": "insufficient_quota", "message": "no credits", "type": "insufficient_quota_error"}}
    provider.submit = lambda _: (402, error, {"Retry-After": "60"})
    answer = await house.write.post(ROUTE, json=ASKED)
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (402, error, "60")


async def test_a_key_of_ours_that_the_provider_refuses_is_not_the_clients_fault(
    house: House, provider: LoopbackProvider
) -> None:
    provider.submit = lambda _: (401, {"error": {"code": "invalid_api_key", "message": "bad key"}})
    assert_error(await house.write.post(ROUTE, json=ASKED), 503, "service_unavailable")


async def test_a_lost_answer_says_what_to_do_and_the_same_again_is_not_sent(
    house: House, provider: LoopbackProvider
) -> None:
    provider.submit = lambda _: (502, b"<html>Bad gateway</html>")
    headers = {"Idempotency-Key": "order-0123456789"}
    answer = await house.write.post(ROUTE, json=ASKED, headers=headers)
    assert_error(answer, 503, "submission_unclear")
    assert int(answer.headers["retry-after"]) > 0
    provider.submit = lambda _: (200, TAKEN)
    assert_error(await house.write.post(ROUTE, json=ASKED, headers=headers), 503, "submission_unclear")
    assert len(sent(provider)) == 1


async def test_the_same_idempotency_key_is_answered_the_same_and_says_so(
    house: House, provider: LoopbackProvider
) -> None:
    headers = {"Idempotency-Key": "order-0123456789"}
    first = await house.write.post(ROUTE, json=ASKED, headers=headers)
    again = await house.write.post(ROUTE, json=ASKED, headers=headers)
    assert (first.content, again.content) == (again.content, first.content)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    other = await house.write.post(ROUTE, json={**ASKED, "n": 2}, headers=headers)
    assert_error(other, 400, "idempotency_key_reused", "Idempotency-Key")
    assert len(sent(provider)) == 1


async def test_without_a_provider_key_it_says_what_is_missing(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        message = assert_error(await house.write.post(ROUTE, json=ASKED), 503)
        assert "DARKROOM_EVOLINK__API_KEY" in message


async def test_other_models_pass_where_they_are_allowed(tmp_path: Path, provider: LoopbackProvider) -> None:
    asked = {"model": "another-model", "prompt": 7, "size": "odd", "callback_url": None}
    async with serving(tmp_path, evolink=asking(provider), submit={"other_models": "on"}) as house:
        assert (await house.write.post(ROUTE, json=asked)).status_code == 200
        [request] = sent(provider)
        del request["callback_url"]
        assert request == {"model": "another-model", "prompt": 7, "size": "odd"}
        assert (await house.json(f"/v1/tasks/{TASK}"))["cost"] is None


async def test_a_budget_warns_in_a_header_and_stops_with_402(tmp_path: Path, provider: LoopbackProvider) -> None:
    budget = {"name": "writers", "key": "write", "per": "day", "warn_usd": "0.01", "stop_usd": "0.02"}
    beta = {"model": "gpt-image-2-beta", "prompt": "a lighthouse"}
    async with serving(tmp_path, evolink=asking(provider), cost={"budgets": [budget]}) as house:
        first = await house.write.post(ROUTE, json=beta)
        assert (first.status_code, "writers" in first.headers["darkroom-warning"]) == (200, True)
        assert "writers" in assert_error(
            await house.write.post(ROUTE, json={**beta, "size": "1:2"}), 402, "budget_exceeded"
        )
        assert (await house.admin.post(ROUTE, json={**beta, "size": "2:1"})).status_code == 200
        assert len(sent(provider)) == 2
        [stands] = (await house.json("/v1/stats"))["cost"]["budgets"]
        assert (stands["name"], stands["state"], stands["reserved_usd"]) == ("writers", "warn", 0.015)


async def test_polling_shows_the_providers_links_until_ours_are_safe(house: House, provider: LoopbackProvider) -> None:
    await house.write.post(ROUTE, json=ASKED)
    processing = {"id": TASK, "status": "processing", "progress": 40, "anything": "else"}
    provider.read = lambda _: (200, processing)
    assert (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json() == processing

    completed = task_object(task_id=TASK)
    await house.call_back(completed)
    provider.read = lambda _: (200, completed)
    seen = await house.until_confirmed(TASK)
    assert seen["results"] == completed["results"]

    await house.archive()
    shown = (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()
    assert shown["status"] == "completed"
    links = shown["results"]
    assert all(link.startswith(f"{PUBLIC_URL}/a/") for link in links)
    assert shown["result_data"] == [{"url": link} for link in links]
    assert (await house.anyone.get(links[0])).status_code == 200
    assert (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()["results"] == links


async def test_a_revoked_link_is_replaced_by_the_next_look(house: House, provider: LoopbackProvider) -> None:
    await house.write.post(ROUTE, json=ASKED)
    provider.read = lambda _: (200, task_object(task_id=TASK))
    await house.call_back(task_object(task_id=TASK))
    await house.until_confirmed(TASK)
    await house.archive()
    [first] = (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()["results"]
    [link] = (await house.json(f"/v1/assets/{TASK}.0/links"))["items"]
    await house.admin.delete(f"/v1/assets/{TASK}.0/links/{link['id']}")
    [second] = (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()["results"]
    assert [(await house.anyone.get(one)).status_code for one in (first, second)] == [404, 200]


async def test_a_task_that_nobody_told_of_is_shown_and_taken_up(house: House, provider: LoopbackProvider) -> None:
    provider.read = lambda _: (200, task_object(task_id=TASK))
    assert (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json() == task_object(task_id=TASK)
    assert [one["id"] for one in (await house.json("/v1/tasks"))["items"]] == [TASK]


@pytest.mark.parametrize("known", [True, False])
async def test_half_an_emoji_is_shown_as_a_character_that_was_none(
    house: House, provider: LoopbackProvider, known: bool
) -> None:
    """As JavaScript's `slice` leaves one at the end of a text that is too long."""
    said = {"id": TASK, "status": "failed", "error": {"message": "no \ud83d"}, "half \ude00": ["\ud83d"]}
    provider.read = lambda _: (200, json.dumps(said).encode())
    if known:
        await house.write.post(ROUTE, json=ASKED)
        await house.call_back({"id": TASK, "status": "failed"})
        seen = await house.until_confirmed(TASK)
    else:
        seen = (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()
    assert seen["error"]["message"].rstrip("\ufffd") == "no "
    assert "\ufffd" in "".join(seen)


async def test_what_is_not_there_is_404_and_what_is_no_id_400(house: House, provider: LoopbackProvider) -> None:
    assert_error(await house.read.get(f"/evolink/v1/tasks/{TASK}"), 404, "task_not_found")
    assert_error(await house.read.get("/evolink/v1/tasks/..x"), 400, "invalid_task_id", "id")


async def test_while_the_provider_is_away_what_we_know_is_shown(house: House, provider: LoopbackProvider) -> None:
    await house.write.post(ROUTE, json=ASKED)
    provider.read = lambda _: (503, b"")
    shown = (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()
    assert (shown["id"], shown["status"], shown["model"]) == (TASK, "pending", "gpt-image-2")
    assert_error(await house.read.get("/evolink/v1/tasks/task-unified-other"), 503, "service_unavailable")


async def test_a_task_that_the_provider_does_not_show_yet_is_pending(house: House, provider: LoopbackProvider) -> None:
    await house.write.post(ROUTE, json=ASKED)
    provider.read = lambda _: NO_TASK
    assert (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()["status"] == "pending"


async def test_many_who_poll_ask_the_provider_once(house: House, provider: LoopbackProvider) -> None:
    await house.write.post(ROUTE, json=ASKED)
    provider.read = lambda _: (200, {"id": TASK, "status": "processing"})
    before = len(provider.requests)
    for _ in range(5):
        await house.read.get(f"/evolink/v1/tasks/{TASK}")
    assert len(provider.requests) == before + 1


async def test_whoever_polls_much_is_answered_without_the_provider_so_that_others_get_through(
    house: House, provider: LoopbackProvider
) -> None:
    await house.write.post(ROUTE, json=ASKED)
    gate = threading.Event()

    def slowly(_task_id: str) -> Answer:
        gate.wait(20)
        return NO_TASK

    provider.read = slowly
    before = len(provider.requests)
    waiting = [asyncio.create_task(house.read.get(f"/evolink/v1/tasks/task-nobody-{number}")) for number in range(2)]
    try:
        while len(provider.requests) < before + 2:
            await asyncio.sleep(0.01)
        assert_error(await house.read.get("/evolink/v1/tasks/task-nobody-9"), 503, "service_unavailable")
        assert (await house.read.get(f"/evolink/v1/tasks/{TASK}")).json()["status"] == "pending"
        assert (await house.write.post(ROUTE, json={**ASKED, "n": 2})).status_code == 200
    finally:
        gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [404, 404]
    asked = len(provider.requests)
    assert (await house.read.get("/evolink/v1/tasks/task-nobody-0")).status_code == 404
    assert len(provider.requests) == asked, "that there is none was said a moment ago"


async def test_what_is_no_route_of_ours_is_refused_in_the_providers_shape(house: House) -> None:
    assert_error(await house.write.post("/evolink/v1/videos/generations", json={}), 404, "not_found")
    assert_error(await house.write.post(f"/evolink/v1/tasks/{TASK}"), 405, "invalid_request")
    assert_error(await house.write.get(ROUTE), 405, "invalid_request")

"""`POST /callbacks/{source}/{token}`: what is answered to what, and that nothing is believed or lost on the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.intake.callback_token import CallbackToken, TokenSigner
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import LINK, TASK, task_object

MANY = 1 << 60


def signed(house: House, **minted: object) -> str:
    """The path of a token that this house signed, with whatever is asked for."""
    values: dict[str, object] = {"id": "tok", "source": "evolink", "issued_at": datetime.now(UTC), **minted}
    return f"/callbacks/evolink/{house.parts.signer.sign(CallbackToken(**values))}"  # type: ignore[arg-type]


async def counted(house: House, verdict: str, source: str = "evolink") -> float:
    return await house.metric(f'darkroom_callbacks_total{{source="{source}",verdict="{verdict}"}}')


async def test_a_callback_is_accepted_and_the_same_body_again_is_a_duplicate(house: House) -> None:
    path = await house.mint()
    first = await house.call_back(task_object(), path=path)
    assert (first.status_code, first.json()) == (202, {"status": "accepted"})
    again = await house.call_back(task_object(), path=path)
    assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
    [kept] = (await house.json("/v1/callbacks"))["items"]
    assert (kept["deliveries"], kept["verdict"], kept["task_id"]) == (2, "accepted", TASK)


async def test_many_callbacks_at_once_are_each_kept_once(house: House) -> None:
    path = await house.mint()
    bodies = [task_object("processing", f"task-{number:03}") for number in range(60)]
    answers = await asyncio.gather(*(house.call_back(body, path=path) for body in bodies * 2))
    assert sorted(answer.status_code for answer in answers) == [200] * 60 + [202] * 60
    assert len((await house.json("/v1/tasks", limit="200"))["items"]) == 60


async def test_a_task_carries_what_was_minted_into_its_url(house: House) -> None:
    await house.call_back(task_object("processing"), path=await house.mint(ref="order 7", tags={"team": "\u65e5"}))
    task = await house.json(f"/v1/tasks/{TASK}")
    assert (task["ref"], task["tags"], task["status"]) == ("order 7", {"team": "\u65e5"}, "processing")


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b"null", b'"x"', b'{"id":"a"}', b'{"id":"../etc"}', b"\xff\xfe"]
)
async def test_a_body_that_names_no_task_is_kept_raw_and_422(house: House, body: bytes) -> None:
    assert_problem(await house.call_back(body), 422, "unreadable")
    [kept] = (await house.json("/v1/callbacks"))["items"]
    assert (kept["verdict"], kept["bytes"], kept["task_id"]) == ("unreadable", len(body), None)
    assert (await house.json("/v1/tasks"))["items"] == []
    assert await counted(house, "unreadable") == 1


async def test_hostile_json_ends_in_an_answer_and_not_in_an_error(house: House) -> None:
    path = await house.mint()
    hostile = [
        b'{"id":"task-nan","status":"completed","created":NaN,"usage":{"x":1e999}}',
        b'{"id":"task-huge","status":"failed","created":' + b"9" * 4000 + b',"error":{"code":-1e400}}',
        b'{"id":"task-sur","status":"completed","model":"\\ud800","results":["https://files.evolink.ai/\\ud800"]}',
        b'{"id":"task-nul","status":"completed\\u0000","error":{"\\u0000":"\\u0000"}}',
        b'{"id":"task-deep","usage":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"id":"task-port","status":"completed","results":["https://files.evolink.ai:99999/x","https://[::1","//"]}',
        b'{"id":"task-same","id":"task-same2","status":["completed"],"results":{"url":{"url":1}}}',
    ]
    for body in hostile:
        answer = await house.call_back(body, path=path)
        assert answer.status_code in (202, 422), (body[:60], answer.text)
    listed = await house.json("/v1/tasks")
    assert listed["items"]
    for task in listed["items"]:
        assert (await house.json(f"/v1/tasks/{task['id']}"))["history"]
    await house.json("/v1/assets")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_cap_is_413_counted_and_not_kept(tmp_path: Path, announced: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1025):
            yield b" "

    async with serving(tmp_path, callbacks={"secrets": ["s" * 40], "max_body_bytes": 1024}) as house:
        path = await house.mint()
        fits = json.dumps(task_object()).encode().ljust(1024)
        assert (await house.anyone.post(path, content=fits)).status_code == 202
        over = await house.anyone.post(path, content=b" " * 1025 if announced else chunks())
        assert_problem(over, 413, "body_too_large")
        assert await counted(house, "too_large") == 1
        assert len((await house.json("/v1/callbacks"))["items"]) == 1


async def test_a_wrong_token_is_404_and_nothing_is_kept(house: House) -> None:
    path = signed(house)
    forged = [
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path.rpartition(".")[0],
        signed(house, source="other"),
        signed(house, expires_at=datetime.now(UTC) - timedelta(seconds=1)),
        f"/callbacks/evolink/{house.parts.link_signer.sign('tok', None)}",
        f"/callbacks/evolink/{TokenSigner(['another secret']).sign(CallbackToken('t', 'evolink', datetime.now(UTC)))}",
        "/callbacks/evolink/x",
        f"/callbacks/evolink/{'x' * 5000}",
        "/callbacks/evolink/%00",
        "/callbacks/evolink/%ff",
    ]
    for one in forged:
        assert_problem(await house.call_back(task_object(), path=one), 404, "not_found")
    assert await counted(house, "refused") == len(forged)
    assert (await house.json("/v1/callbacks"))["items"] == []
    assert (await house.call_back(task_object(), path=path)).status_code == 202


async def test_an_unknown_source_is_404_and_counted_without_becoming_a_label(house: House) -> None:
    path = (await house.mint()).replace("evolink", "elsewhere")
    assert_problem(await house.call_back(task_object(), path=path), 404, "not_found")
    assert await counted(house, "refused", source="unknown") == 1
    assert "elsewhere" not in (await house.read.get("/metrics")).text


async def test_the_body_of_a_wrong_token_is_not_read(house: House) -> None:
    read: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield b"x"

    answer = await house.anyone.post("/callbacks/evolink/wrong", content=chunks())
    assert_problem(answer, 404, "not_found")
    assert read == []


async def test_a_trailing_slash_changes_nothing_and_is_never_redirected(house: House) -> None:
    answer = await house.call_back(task_object(), path=f"{await house.mint()}/")
    assert answer.status_code == 202
    assert_problem(await house.call_back(task_object(), path="/callbacks/evolink/wrong/"), 404, "not_found")


async def test_a_query_behind_the_token_is_ignored(house: House) -> None:
    assert (await house.call_back(task_object(), path=f"{await house.mint()}?a=1&a=2")).status_code == 202


async def test_another_tokens_callback_changes_nothing(house: House) -> None:
    await house.call_back(task_object("processing"))
    answer = await house.call_back(task_object("completed"))
    assert answer.status_code == 202
    task = await house.json(f"/v1/tasks/{TASK}")
    assert (task["status"], task["assets"]) == ("processing", [])
    assert await counted(house, "foreign") == 1


async def test_a_link_to_another_host_is_dead_at_once_and_told(house: House) -> None:
    await house.complete(results=["https://evil.example/x.png"])
    [asset] = (await house.json("/v1/assets"))["items"]
    assert (asset["status"], asset["reason"], asset["attempts"]) == ("dead", "refused_host", 0)
    assert await house.metric('darkroom_dead_total{reason="refused_host"}') == 1


async def test_without_room_a_callback_is_503_and_not_kept_while_reads_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path, storage={"min_free_bytes": MANY}) as house:
        answer = await house.call_back(task_object())
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert await counted(house, "unavailable") == 1
        assert await house.json("/v1/callbacks") == {"items": [], "next": None}


async def test_neither_credentials_nor_the_token_are_kept_with_a_callbacks_headers(house: House) -> None:
    path = await house.mint()
    proxied = {"X-Original-URI": path, "X-Forwarded-Uri": path, "X-Rewrite-URL": path, "Referer": path}
    secret = {"Authorization": "Bearer s3cret", "Cookie": "s3cret", "X-Api-Key": "s3cret"}
    headers = {**proxied, **secret, "User-Agent": "y" * 5000}
    await house.anyone.post(path, json=task_object(results=[LINK]), headers=headers)
    kept = await house.json("/v1/callbacks/1")
    assert "s3cret" not in json.dumps(kept)
    assert path.rpartition("/")[2] not in json.dumps(kept)
    assert kept["headers"]["content-type"] == "application/json"
    assert 0 < len(kept["headers"]["user-agent"]) < 1000

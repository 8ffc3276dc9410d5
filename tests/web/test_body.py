"""Request bodies: bounded in size, in time, and clear about who failed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from service.errors import Invalid
from service.web.body import READ_WITHIN, BodyIncomplete, BodyTooLarge, read_capped, read_model
from tests.support.app import House, assert_problem
from tests.support.deliveries import task_object
from tests.web.virtual_time import run

Message = dict[str, Any]


class Small(BaseModel):
    number: int = 7


def request(receive: Callable[[], Awaitable[Any]], **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw}, receive)


def sent(*chunks: bytes, every: float = 0.0) -> Callable[[], Awaitable[Message]]:
    """What a caller sends, one chunk after the other; then it says nothing more for a day."""
    left = list(chunks)

    async def receive() -> Message:
        await asyncio.sleep(every if left else 86400)
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return receive


async def never() -> Message:
    raise AssertionError("nothing may be read")


async def hung_up() -> Message:
    return {"type": "http.disconnect"}


def test_a_body_comes_whole_from_its_chunks() -> None:
    assert run(read_capped(request(sent(b"ab", b"", b"c")), 3)) == b"abc"


def test_a_body_of_very_many_single_bytes_is_one_buffer() -> None:
    assert len(run(read_capped(request(sent(*([b"x"] * 20_000))), 20_000))) == 20_000


@pytest.mark.parametrize("announced", ["11", "9" * 30, "0000000000000011", "0" * 30 + "11"])
def test_a_body_that_is_announced_too_large_is_refused_unread(announced: str) -> None:
    with pytest.raises(BodyTooLarge):
        run(read_capped(request(never, content_length=announced), 10))


@pytest.mark.parametrize("announced", ["3", "-1", "1e9", "\u00b2", "", "x"])
def test_an_announcement_that_lies_does_not_lift_the_cap(announced: str) -> None:
    with pytest.raises(BodyTooLarge):
        run(read_capped(request(sent(b"x" * 11), content_length=announced), 10))


@pytest.mark.parametrize("chunks", [[], [b"x"] * 30])
def test_a_body_that_does_not_end_in_time_is_given_up_however_it_trickles(chunks: list[bytes]) -> None:
    async def timed() -> float:
        with pytest.raises(BodyIncomplete):
            await read_capped(request(sent(*chunks, every=1.0)), 1000)
        return asyncio.get_running_loop().time()

    assert run(timed()) == pytest.approx(READ_WITHIN)


def test_who_hangs_up_leaves_an_incomplete_body() -> None:
    with pytest.raises(BodyIncomplete):
        run(read_capped(request(hung_up), 10))


def test_a_caller_who_is_too_slow_for_a_model_is_told_so() -> None:
    with pytest.raises(Invalid, match="whole") as raised:
        run(read_model(request(sent()), Small))
    assert raised.value.code == "body_incomplete"


@pytest.mark.parametrize(("body", "number"), [(b"", 7), (b"{}", 7), (b' {"number": 9}\n', 9)])
def test_an_empty_body_counts_as_an_empty_object(body: bytes, number: int) -> None:
    assert run(read_model(request(sent(body)), Small)).number == number


async def test_a_callback_that_is_cut_off_is_counted_and_not_kept(house: House) -> None:
    status: list[int] = []

    async def send(message: Any) -> None:
        status.append(message.get("status", 0))

    path = await house.mint()
    scope: Message = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    await house.app(scope, hung_up, send)
    assert status[0] == 408
    assert await house.metric('darkroom_callbacks_total{source="evolink",verdict="incomplete"}') == 1
    assert (await house.json("/v1/callbacks"))["items"] == []
    assert (await house.call_back(task_object(), path=path)).status_code == 202


async def test_a_request_of_the_api_that_is_cut_off_is_400_and_no_error(house: House) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"id":'

    answer = await house.write.post("/v1/tasks", content=chunks())
    assert answer.status_code == 400


CURL = "application/x-www-form-urlencoded"  # what it says of JSON that is given by -d


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/jsonp", "json", "a" * 9000])
async def test_a_body_that_is_said_not_to_be_json_is_refused(house: House, kind: str) -> None:
    answer = await house.write.post("/v1/tasks", content=b'{"id": "task-1"}', headers={"Content-Type": kind})
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", " application/json ;x", CURL, ""]
)
async def test_a_body_that_is_json_or_is_not_said_to_be_anything_is_read(house: House, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await house.write.post("/v1/tasks", content=b'{"id": "task-1"}', headers=headers)
    assert answer.status_code == 201
    assert "content-type" in answer.request.headers or not kind


async def test_who_sends_no_body_need_not_say_what_it_is(house: House) -> None:
    answer = await house.write.post("/v1/callback-urls", content=b"", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("name", "shown"), [("rea\0bf", "'rea\\x00bf'"), ("\u202eabc", "'\\u202eabc'"), ("n" * 100_000, "n" * 200)]
)
def test_a_name_that_nobody_knows_is_repeated_in_printable_characters_and_not_at_any_length(
    name: str, shown: str
) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    body = json.dumps({name: 1}).encode()
    with pytest.raises(Invalid) as refused:
        run(read_model(request(sent(body)), Strict))
    assert str(refused.value) == f"{shown}: Extra inputs are not permitted"

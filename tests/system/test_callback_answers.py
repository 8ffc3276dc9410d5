"""What a callback is answered, and that a bad one is answered before its body is read."""

import asyncio
import string
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import Start
from tests.system.support.connection import NO_HEADERS, Answered, Connection, one_exchange, post
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

CAP = 4096
LONGER_THAN_SERVERS_USUALLY_WAIT = 6.0
NEVER_SENT = 10 * 2**20
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"

UNREADABLE = (b'{"id": "task-unified-1', b'{"status": "completed"}', b"[1, 2]", b"\xff\xfe\x00", b"")
FORGED = (
    "forged",
    "someone else's signature",
    "another spelling",
    "missing",
    "revoked",
    "unknown source",
    "empty source",
)


async def a_refused_path(service: Darkroom, what: str) -> str:
    """The path of a callback URL that must not be believed."""
    path = urlsplit(await service.api.mint()).path
    head, _, token = path.rpartition("/")
    claims, _, signature = token.rpartition(".")
    match what:
        case "forged":
            return f"{head}/eyJpIjoiYSIsInMiOiJldm9saW5rIiwidCI6MX0.{signature}"
        case "someone else's signature":
            return f"{head}/{claims}.{signature[::-1]}"
        case "another spelling":  # a last character whose first four bits, the ones that count, are the same
            return path[:-1] + BASE64URL[BASE64URL.index(path[-1]) ^ 1]
        case "missing":
            return f"{head}/"
        case "revoked":
            (newest, *_) = await service.api.all("/v1/callback-urls")
            revoked = await service.api.client.delete(f"/v1/callback-urls/{newest['id']}")
            assert revoked.status_code == 204
            return path
        case "unknown source":
            return path.replace("/evolink/", "/apimart/")
        case _:
            return path.replace("/evolink/", "//")


async def answer_to_headers(service: Darkroom, path: str, headers: Mapping[str, str] = NO_HEADERS) -> Answered:
    """The first answer to headers that announce 10 MiB of which nothing is ever sent."""
    outcome = await one_exchange(service.port, service.tls, post(path, announced=NEVER_SENT, headers=headers))
    assert isinstance(outcome, Answered), outcome
    return outcome


async def test_a_callback_that_must_not_be_believed_gets_404_with_its_body_unread(start: Start) -> None:
    service = await start()
    for what in FORGED:
        path = await a_refused_path(service, what)
        for headers in (NO_HEADERS, {"Expect": "100-continue"}):
            assert (await answer_to_headers(service, path, headers)).status == 404, (what, headers)
    assert await service.api.all("/v1/callbacks") == []
    refused = await service.api.all("/v1/callbacks", verdict="refused")
    reasons = {one["reason"] for one in refused}
    assert reasons == {"bad_token", "revoked_token", "unknown_source"}


@pytest.mark.long
async def test_a_callback_that_may_be_believed_is_asked_for_its_body(start: Start) -> None:
    service = await start()
    path = urlsplit(await service.api.mint()).path
    assert (await answer_to_headers(service, path, {"Expect": "100-continue"})).status == 413  # for what it announces
    body = task_object(new_task_id(), status="processing")
    connection = await Connection.open(service.port, service.tls)
    assert isinstance(connection, Connection)
    asked = await connection.exchange(post(path, announced=len(body), headers={"Expect": "100-continue"}))
    assert asked == Answered(100, {}, b"")
    assert await connection.exchange(body) == Answered(202, {}, b"")
    await connection.close()


@pytest.mark.long
async def test_a_connection_that_was_idle_for_a_while_takes_the_next_callback(start: Start) -> None:
    service = await start()
    path = urlsplit(await service.api.mint()).path
    connection = await Connection.open(service.port, service.tls)
    assert isinstance(connection, Connection)
    for pause in (0, LONGER_THAN_SERVERS_USUALLY_WAIT):
        await asyncio.sleep(pause)
        body = task_object(new_task_id(), status="processing")
        assert await connection.exchange(post(path, body)) == Answered(202, {}, b"")
    await connection.close()


@pytest.mark.long
async def test_an_expired_url_is_answered_404(start: Start) -> None:
    service = await start()
    url = await service.api.mint(expires_in=1)

    async def refused() -> bool | None:
        answer = await call_back(service.api.client, url, task_object(new_task_id(), status="processing"))
        assert answer.status_code in (202, 404)
        return answer.status_code == 404 or None

    await eventually(refused, what="the URL has expired", within=10)
    assert (await answer_to_headers(service, urlsplit(url).path)).status == 404


@pytest.mark.long
async def test_a_trailing_slash_is_never_a_redirect(start: Start) -> None:
    service = await start()
    url = await service.api.mint()
    answers = [
        await call_back(service.api.client, f"{url}/", task_object(new_task_id(), status="processing")),
        await call_back(service.api.client, f"{url}x/", b"{}"),
        await call_back(service.api.client, f"{service.url}/callbacks/evolink", b"{}"),
        await call_back(service.api.client, f"{service.url}/callbacks/evolink/", b"{}"),
    ]
    assert [answer.status_code for answer in answers] == [202, 404, 404, 404]


async def test_a_body_at_the_cap_is_accepted_and_one_byte_more_is_413(start: Start) -> None:
    service = await start(CALLBACKS__MAX_BODY_BYTES=str(CAP))
    url = await service.api.mint()
    at_cap, over = (task_object(new_task_id(), status="processing").ljust(size) for size in (CAP, CAP + 1))

    async def in_chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(over), 1000):
            yield over[start : start + 1000]

    assert (await call_back(service.api.client, url, at_cap)).status_code == 202
    assert (await call_back(service.api.client, url, over)).status_code == 413
    unannounced = await service.api.client.post(url, content=in_chunks())
    assert unannounced.status_code == 413
    assert [callback["bytes"] for callback in await service.api.all("/v1/callbacks")] == [CAP]


async def test_an_unreadable_body_gets_422_and_is_kept_raw(start: Start) -> None:
    service = await start()
    url = await service.api.mint()
    for body in UNREADABLE:
        answer = await call_back(service.api.client, url, body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), body
    newest_first = await service.api.all("/v1/callbacks", verdict="unreadable")
    for kept, body in zip(reversed(newest_first), UNREADABLE, strict=True):
        assert (kept["task_id"], kept["bytes"]) == (None, len(body))
        raw = await service.api.get(f"/v1/callbacks/{kept['id']}")
        assert raw["body"] == body.decode() if raw["body"] is not None else b64decode(raw["body_base64"]) == body


async def test_without_room_callbacks_get_503_with_retry_after_and_the_process_stays_alive(start: Start) -> None:
    service = await start(STORAGE__MIN_FREE_BYTES="8000 TiB")
    url = await service.api.mint()
    answer = await call_back(service.api.client, url, task_object(new_task_id()))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    ready = await service.api.client.get("/readyz")
    assert ready.status_code == 503
    assert "DARKROOM_STORAGE__MIN_FREE_BYTES" in ready.json()["problems"]["storage"]
    assert (await service.api.client.get("/livez")).status_code == 200
    assert await service.api.all("/v1/callbacks") == []  # reads go on
    assert await service.stop() == 0

"""Asking about one task: what each answer means, and what leaves."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.domain.task import EventStatus
from service.errors import SettingsError
from service.provider.client import ProviderClient
from service.provider.reading import Found, HealthState, Listed, Missing, Reading, Throttled, Unreachable
from tests.provider.pretend import ID, IDS, KEY, MISSING, Clock, Provider, always, client, found, problem, task


async def read(provider: Provider, task_id: str = ID) -> Reading:
    async with client(provider) as one:
        return (await one.read([task_id]))[task_id]


async def test_a_task_is_found_with_the_text_that_came() -> None:
    text = f'{{ "id": "{ID}",\n "status": "completed", "note": "\u00fc" }}'
    reading = await read(Provider(always(lambda: httpx.Response(200, content=text.encode()))))
    assert isinstance(reading, Found)
    assert reading.text == text
    assert reading.event.status is EventStatus.COMPLETED


async def test_the_request_says_who_asks_and_for_what() -> None:
    provider = Provider()
    await read(provider)
    (request,) = provider.requests
    assert (request.method, str(request.url)) == ("GET", f"https://api.evolink.test/v1/tasks/{ID}")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["User-Agent"] == "Darkroom/test"
    assert request.headers["Accept"] == "application/json"


async def test_an_id_is_one_segment_of_the_path() -> None:
    provider = Provider()
    await read(provider, "task:a..b")
    assert provider.requests[0].url.raw_path == b"/v1/tasks/task%3Aa..b"


@pytest.mark.parametrize(
    "task_id",
    ["", "ab", "..", "../../v1/images", "task/../x", "task-1?x=1", "task-1#x", "task-1\n", "task%2f1", "-task", "täsk"],
)
async def test_what_can_be_no_id_is_missing_and_nothing_leaves(task_id: str) -> None:
    provider = Provider()
    assert await read(provider, task_id) == Missing()
    assert provider.asked == 0


async def test_nothing_asked_is_nothing_answered() -> None:
    provider = Provider()
    async with client(provider) as one:
        assert await one.read([]) == {}
    assert provider.asked == 0


@pytest.mark.parametrize(
    "answer",
    [
        lambda: problem(404, "task_not_found"),
        lambda: problem(404, 404, "task not found"),
        lambda: problem(400, "invalid_task_id"),
        lambda: httpx.Response(400, json={"error": {"code": 400, "type": "invalid_task_id"}}),
    ],
)
async def test_a_task_that_the_provider_does_not_know_is_missing(answer: Callable[[], httpx.Response]) -> None:
    assert await read(Provider(always(answer))) == Missing()


def page(status: int = 200) -> httpx.Response:
    return httpx.Response(status, html="<html>404 page not found</html>")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: problem(500, "service_error", "try later"), "500 service_error: try later"),
        (lambda: problem(503), "503"),
        (lambda: problem(403, "permission_denied"), "403 permission_denied"),
        (lambda: problem(418), "418"),
        (lambda: problem(400, "invalid_request"), "400 invalid_request"),
        (lambda: problem(404, "", "Invalid URL (GET /v1/task)"), "404"),
        (lambda: httpx.Response(404, json={"detail": "Not Found"}), "404"),
        (lambda: page(404), "404"),
        (page, "not readable"),
        (lambda: httpx.Response(204), "not readable"),
        (lambda: httpx.Response(200, json={"error": {"code": "task_not_found"}}), "no usable task id"),
        (lambda: httpx.Response(200, json=[task()]), "not a JSON object"),
        (lambda: found(IDS[1]), "another task"),
        (lambda: httpx.Response(200, json=task(), headers={"Content-Encoding": "br"}), "compressed"),
        (lambda: httpx.Response(200, content=b" " * (1024 * 1024 + 1)), "longer than 1048576"),
    ],
)
async def test_anything_else_says_nothing_about_the_task(answer: Callable[[], httpx.Response], words: str) -> None:
    reading = await read(Provider(always(answer)))
    assert isinstance(reading, Unreachable)
    assert words in reading.detail
    assert not reading.refused


@pytest.mark.parametrize("status", [401, 402])
async def test_a_refused_key_is_told_apart(status: int) -> None:
    reading = await read(Provider(always(lambda: problem(status, "unauthorized"))))
    assert reading == Unreachable(f"the provider answered {status} unauthorized", refused=True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError("no route to 10.0.0.1"), "cannot be reached"),
        (httpx.ConnectTimeout("x"), "no connection in time"),
        (httpx.ReadTimeout("x"), "no answer in time"),
        (httpx.ReadError("x"), "connection was lost"),
        (httpx.RemoteProtocolError("x"), "not HTTP"),
        (httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"), "connection was lost"),
    ],
)
async def test_a_broken_connection_is_told_in_our_own_words(error: Exception, words: str) -> None:
    provider = Provider()
    provider.broken(error)
    reading = await read(provider)
    assert isinstance(reading, Unreachable)
    assert words in reading.detail
    assert str(error) not in reading.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://elsewhere.test/", "/v1/other", "https://[", "http://\udcff.test", ""])
async def test_a_redirect_is_not_followed(status: int, location: str) -> None:
    headers = {"Location": location.encode("utf-8", "surrogateescape")}
    provider = Provider(always(lambda: httpx.Response(status, headers=[(b"Location", headers["Location"])])))
    assert isinstance(await read(provider), Unreachable)
    assert provider.asked == 1


async def test_cookies_are_not_sent_back() -> None:
    provider = Provider(lambda task_id: httpx.Response(200, json=task(), headers={"Set-Cookie": "a=b; Path=/"}))
    async with client(provider) as one:
        await one.read([ID])
        await one.read([ID])
    assert "Cookie" not in provider.requests[1].headers


@pytest.mark.parametrize(
    "url", ["https://user:pa55@api.evolink.test/base/?token=s3cret#x", "https://api.evolink.test/base"]
)
async def test_of_the_url_only_scheme_host_port_and_path_are_used(url: str) -> None:
    provider = Provider()
    async with client(provider, api_url=url) as one:
        await one.read([ID])
    (request,) = provider.requests
    assert str(request.url) == f"https://api.evolink.test/base/v1/tasks/{ID}"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "wrong", [{"api_key": "a\nb"}, {"api_key": "schlüssel"}, {"api_key": ""}, {"api_url": "https://-é-.test"}]
)
def test_a_key_or_url_that_cannot_be_sent_is_a_wrong_setting(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        client(Provider(), **wrong)
    assert not any(value and value in str(raised.value) for value in wrong.values())


def complaint(message: Any, code: Any = "unauthorized") -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(500, content=json.dumps({"error": {"code": code, "message": message}}))


@pytest.mark.parametrize(
    "answer",
    [
        complaint(f"wrong key {KEY}!"),
        complaint("x" * 170 + f" {KEY}"),
        complaint("no", code=KEY),
        complaint(f"Bearer {KEY}"),
        complaint(f"https://user:{KEY}@api.evolink.test/?key={KEY}"),
    ],
)
async def test_a_complaint_that_repeats_the_key_does_not_pass_it_on(answer: Callable[[], httpx.Response]) -> None:
    reading = await read(Provider(always(answer)))
    assert isinstance(reading, Unreachable)
    assert KEY[:8] not in reading.detail
    assert "500" in reading.detail


async def test_a_complaint_passes_on_no_links() -> None:
    reading = await read(Provider(always(complaint("see https://files.evolink.test/a/0.png?sig=s3cret"))))
    assert reading == Unreachable("the provider answered 500 unauthorized: see https://files.evolink.test/***")


@pytest.mark.parametrize(
    "message", ["a\nb\x00c\x1b[31m\u2028\u202e\ud800", "word " * 1000, {"not": "text"}, None, 7], ids=repr
)
async def test_a_detail_is_short_and_can_be_stored(message: Any) -> None:
    reading = await read(Provider(always(complaint(message, code=True))))
    assert isinstance(reading, Unreachable)
    assert reading.detail.startswith("the provider answered 500")
    assert len(reading.detail) <= 200
    assert reading.detail.isprintable()
    reading.detail.encode()


async def test_reading_one_task_never_asks_for_several() -> None:
    provider = Provider()
    async with client(provider) as one:
        assert isinstance((await one.read([ID, ID]))[ID], Found)
    assert (provider.count("GET"), provider.count("POST")) == (1, 0)


async def times(one: ProviderClient, count: int) -> list[Reading]:
    return [(await one.read([ID]))[ID] for _ in range(count)]


async def test_every_kind_of_request_comes_out_of_one_budget() -> None:
    clock, provider = Clock(), Provider(page=always(lambda: httpx.Response(200, json=[])))
    async with client(provider, clock, requests_per_second=1) as one:
        await one.read([ID])
        assert isinstance(await one.list_page(1), Listed)
        await one.read(IDS[:2])
    assert provider.asked == 5  # one, the list, and a batch that had to be read one by one
    assert clock.now == pytest.approx(1004.0)


async def test_after_a_429_nothing_leaves_until_the_time_is_over() -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(429, Retry_After="7")))
    async with client(provider, clock) as one:
        assert await times(one, 1) == [Throttled(7.0)]
        clock.now += 3
        assert await times(one, 2) == [Throttled(4.0)] * 2
        assert await one.list_page(1) == Throttled(4.0)
        assert (provider.asked, one.pause) == (1, 4.0)
        clock.now += 4
        provider.answer = found
        assert one.pause == 0
        assert isinstance((await times(one, 1))[0], Found)


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("86400", 600.0),
        ("Sun, 01 Mar 2026 18:00:00 GMT", 600.0),
        ("soon", 1.0),
        ("0", 1.0),
        ("Sun, 01 Mar 2020 12:00:00 GMT", 1.0),
    ],
)
async def test_retry_after_is_honoured_within_reason(retry_after: str, pause: float) -> None:
    async with client(Provider(always(lambda: problem(429, Retry_After=retry_after)))) as one:
        assert await times(one, 1) == [Throttled(pause)]


async def test_pauses_grow_while_429s_follow_each_other() -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(429)))
    pauses = []
    async with client(provider, clock) as one:
        for _ in range(8):
            await times(one, 1)
            pauses.append(one.pause)
            clock.now += one.pause
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
        provider.answer = always(lambda: problem(*MISSING))
        await times(one, 1)
        provider.answer = always(lambda: problem(429))
        assert await times(one, 1) == [Throttled(1.0)]


async def test_429s_are_no_failures() -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(429)))
    async with client(provider, clock) as one:
        for _ in range(10):
            await times(one, 1)
            clock.now += one.pause
        assert provider.asked == 10
        assert one.health.state is HealthState.THROTTLING


async def test_a_long_estimate_and_links_arrive_with_the_event() -> None:
    body = json.dumps(task(task_info={"estimated_time": 45}))
    reading = await read(Provider(always(lambda: httpx.Response(200, content=body))))
    assert isinstance(reading, Found)
    assert (reading.event.estimated_seconds, reading.event.links) == (45, ("https://files.evolink.test/0.png",))

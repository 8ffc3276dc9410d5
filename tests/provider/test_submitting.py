"""Sending a submission: what each answer says of whether anything may have been paid for."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from service.provider.reading import HealthState
from service.provider.submitting import Accepted, AnswerLost, Declined, NotSent, Sent
from tests.provider.pretend import ID, KEY, Provider, client, found, problem

CONTENT = b'{"model":"gpt-image-2","prompt":"a lighthouse"}'
OUR_KEY = "darkroom-sub_0123456789"


async def submit(provider: Provider, *, within: float = 5.0) -> Sent:
    async with client(provider) as one:
        return await one.submit(CONTENT, idempotency_key=OUR_KEY, within=within)


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


async def test_it_is_sent_as_it_is_with_our_key_and_the_idempotency_key() -> None:
    provider = Provider()
    sent = await submit(provider)
    (request,) = provider.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.evolink.test/v1/images/generations")
    assert (request.content, request.headers["Content-Type"]) == (CONTENT, "application/json")
    assert (request.headers["Authorization"], request.headers["Idempotency-Key"]) == (f"Bearer {KEY}", OUR_KEY)
    assert isinstance(sent, Accepted)
    assert (sent.event.task_id, sent.status) == (ID, 200)
    assert sent.body == found(status="pending").content


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500, 503])
async def test_the_apis_own_refusal_means_that_nothing_is_paid(status: int) -> None:
    sent = await submit(Provider(submission=lambda _: problem(status, "some_code", "why", retry_after="7")))
    assert isinstance(sent, Declined)
    assert (sent.status, sent.retry_after) == (status, "7")
    assert b"some_code" in sent.body
    assert "why" in sent.detail


async def test_a_refusal_tells_which_parameter_is_wrong() -> None:
    error = {"error": {"code": "invalid_parameters", "message": "no", "param": "callback_url"}}
    sent = await submit(Provider(submission=lambda _: httpx.Response(400, json=error)))
    assert isinstance(sent, Declined)
    assert sent.param == "callback_url"


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520])
async def test_a_gateways_page_does_not_say_whether_it_arrived(status: int) -> None:
    sent = await submit(Provider(submission=lambda _: httpx.Response(status, text="<html>Bad gateway</html>")))
    assert isinstance(sent, AnswerLost)
    assert str(status) in sent.detail


@pytest.mark.parametrize("status", [408, 502, 504])
async def test_nor_does_it_when_it_speaks_json(status: int) -> None:
    answer = problem(status, "upstream_timeout", "upstream timeout")
    assert isinstance(await submit(Provider(submission=lambda _: answer)), AnswerLost)


@pytest.mark.parametrize("status", [301, 307, 308, 404, 413])
async def test_what_a_gateway_turned_away_did_not_arrive(status: int) -> None:
    assert isinstance(await submit(Provider(submission=lambda _: httpx.Response(status))), Declined)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": "../x"}', b"[]", b"<html>"])
async def test_a_success_that_names_no_task_may_be_one(body: bytes) -> None:
    assert isinstance(await submit(Provider(submission=lambda _: httpx.Response(200, content=body))), AnswerLost)


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
async def test_without_a_connection_nothing_left(error: Exception) -> None:
    assert isinstance(await submit(Provider(submission=raising(error))), NotSent)


@pytest.mark.parametrize(
    "error",
    [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), httpx.WriteError("reset"), httpx.RemoteProtocolError("gone")],
)
async def test_a_connection_that_breaks_may_have_carried_it(error: Exception) -> None:
    assert isinstance(await submit(Provider(submission=raising(error))), AnswerLost)


async def test_an_answer_that_does_not_come_in_time_is_lost() -> None:
    sent = await submit(Provider(gate=asyncio.Event()), within=0.05)
    assert sent == AnswerLost("no answer in time")


async def test_while_the_provider_wants_to_be_left_alone_nothing_is_sent() -> None:
    provider = Provider(submission=lambda _: problem(429, retry_after="30"))
    async with client(provider) as one:
        assert isinstance(await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0), Declined)
        assert await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0) == NotSent(
            "the provider wants to be left alone", 30.0
        )
    assert provider.asked == 1


async def test_credits_that_are_used_up_do_not_keep_us_from_asking_about_tasks() -> None:
    provider = Provider(submission=lambda _: problem(402, "insufficient_quota", "no credits"))
    async with client(provider) as one:
        assert isinstance(await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0), Declined)
        await one.read([ID])
        assert one.health.state is HealthState.ANSWERING
    assert provider.asked == 2


async def test_a_refused_key_keeps_further_requests_back() -> None:
    provider = Provider(submission=lambda _: problem(401, "invalid_api_key", "bad key"))
    async with client(provider) as one:
        assert isinstance(await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0), Declined)
        assert one.health.state is HealthState.REFUSED
        assert isinstance(await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0), NotSent)
    assert provider.asked == 1


async def test_it_does_not_wait_for_its_turn_without_end() -> None:
    async def forever(_seconds: float) -> None:
        await asyncio.Event().wait()

    provider = Provider()
    async with client(provider, sleep=forever, requests_per_second=1.0, turn_within=0.05) as one:
        assert isinstance(await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0), Accepted)
        sent = await one.submit(CONTENT, idempotency_key=OUR_KEY, within=5.0)
    assert sent == NotSent("too many requests wait to be sent to the provider")
    assert provider.asked == 1

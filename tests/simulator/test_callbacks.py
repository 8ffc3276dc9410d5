import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.simulator.callback_plan import Message
from service.simulator.callbacks import Courier
from service.simulator.tasks import Attempt
from tests.simulator.receiver import receiver

MESSAGE = Message("completed", b'{"id": "task-unified-1"}')
WAITS = (0.02, 0.04, 0.08)


@asynccontextmanager
async def courier(timeout: float = 5.0) -> AsyncIterator[Courier]:
    async with Courier(tls=ssl.create_default_context(), waits=WAITS, timeout=timeout) as made:
        yield made


async def test_a_callback_is_a_json_post_to_the_very_url() -> None:
    attempts: list[Attempt] = []
    async with receiver() as receiving, courier() as sending:
        assert await sending.deliver(receiving.url, MESSAGE, attempts.append)
    (received,) = receiving.received
    assert received.line == "POST /callbacks/evolink/token?ref=a%2Fb HTTP/1.1"
    assert received.headers["content-type"] == "application/json"
    assert received.body == MESSAGE.body
    assert attempts == [Attempt("completed", 204)]


async def test_a_refused_callback_is_retried_after_each_wait_until_it_is_taken() -> None:
    attempts: list[Attempt] = []
    async with receiver([500, 404]) as receiving, courier() as sending:
        assert await sending.deliver(receiving.url, MESSAGE, attempts.append)
    assert [attempt.response for attempt in attempts] == [500, 404, 204]
    gaps = [later.at - sooner.at for sooner, later in zip(receiving.received, receiving.received[1:], strict=False)]
    assert gaps[0] >= WAITS[0]
    assert gaps[1] >= WAITS[1]


async def test_after_three_retries_it_is_given_up() -> None:
    attempts: list[Attempt] = []
    async with receiver([503] * 9) as receiving, courier() as sending:
        assert not await sending.deliver(receiving.url, MESSAGE, attempts.append)
    assert [attempt.response for attempt in attempts] == [503] * 4
    assert len(receiving.received) == 4


@pytest.mark.parametrize("status", [301, 307, 400, 422])
async def test_whatever_is_not_2xx_is_a_failure_and_redirects_are_not_followed(status: int) -> None:
    async with receiver([status]) as receiving, courier() as sending:
        attempt = await sending.post(receiving.url, said="completed", body=b"{}")
    assert (attempt.delivered, attempt.response) == (False, status)
    assert len(receiving.received) == 1


async def test_a_receiver_that_does_not_answer_is_a_timeout_and_retried() -> None:
    attempts: list[Attempt] = []
    async with receiver([None]) as receiving, courier(timeout=0.2) as sending:
        assert await sending.deliver(receiving.url, MESSAGE, attempts.append)
    assert attempts == [Attempt("completed", None, "timeout"), Attempt("completed", 204)]


async def test_a_receiver_that_is_down_is_a_failure_not_an_exception() -> None:
    async with receiver() as receiving:
        url = receiving.url
    async with courier() as sending:
        attempt = await sending.post(url, said="completed", body=b"{}")
    assert (attempt.delivered, attempt.response, attempt.error) == (False, None, "ConnectError")


async def test_a_spoilt_first_attempt_is_mended_only_if_it_was_refused() -> None:
    spoilt = Message("completed", MESSAGE.body, first_body=b'{"id": "ta')
    async with receiver([422]) as strict, receiver() as lenient, courier() as sending:
        await sending.deliver(strict.url, spoilt, lambda _attempt: None)
        await sending.deliver(lenient.url, spoilt, lambda _attempt: None)
    assert strict.bodies == [b'{"id": "ta', MESSAGE.body]
    assert lenient.bodies == [b'{"id": "ta']

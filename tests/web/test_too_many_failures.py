"""An address that shows too many wrong keys is told to wait, and nobody who holds a good one pays for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from service.domain.failures import BURST
from tests.support.app import PUBLIC_URL, House, assert_problem, serving


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A service for whose limits no time passes, however long a test takes."""
    async with serving(tmp_path, clock=lambda: 0.0) as opened:
        yield opened


@asynccontextmanager
async def at(house: House, address: str, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client from an address, as the server tells of it."""
    transport = httpx.ASGITransport(app=house.app, raise_app_exceptions=False, client=(address, 1234))
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=headers) as client:
        yield client


async def exhaust(house: House, address: str, path: str = "/v1/tasks") -> None:
    async with at(house, address, "wrong") as client:
        for _ in range(int(BURST)):
            assert (await client.get(path)).status_code == 401


async def answer_to(house: House, address: str, key: str | None, path: str = "/v1/tasks") -> httpx.Response:
    async with at(house, address, key) as client:
        return await client.get(path)


async def test_who_failed_too_often_is_told_when_to_come_again(house: House) -> None:
    await exhaust(house, "192.0.2.1")
    refused = await answer_to(house, "192.0.2.1", "wrong")
    assert_problem(refused, 429, "too_many_failures")
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert (await answer_to(house, "192.0.2.2", "wrong")).status_code == 401, "another address is another one"
    assert (await answer_to(house, "192.0.2.1", None)).status_code == 401, "without a key nothing is guessed"
    assert await house.metric('darkroom_auth_failures_total{reason="limited"}') == 1


async def test_a_key_that_somebody_thought_up_is_not_compared_meanwhile_and_one_made_here_is(house: House) -> None:
    made = (await house.admin.post("/v1/keys", json={"name": "shop", "scopes": ["read"]})).json()["key"]
    await exhaust(house, "192.0.2.1")
    assert_problem(await answer_to(house, "192.0.2.1", "key-read"), 429, "too_many_failures")
    assert (await answer_to(house, "192.0.2.1", made)).status_code == 200
    assert_problem(await answer_to(house, "192.0.2.1", f"darkroom_{'x' * 43}"), 429, "too_many_failures")
    assert (await answer_to(house, "192.0.2.2", "key-read")).status_code == 200


async def test_the_addresses_of_one_ipv6_customer_count_together(house: House) -> None:
    async with at(house, "2001:db8::1", "wrong") as one, at(house, "2001:db8::ffff:2", "wrong") as other:
        for _ in range(int(BURST) // 2):
            assert [(await one.get("/v1/tasks")).status_code, (await other.get("/v1/tasks")).status_code] == [401, 401]
        assert_problem(await one.get("/v1/tasks"), 429, "too_many_failures")
    assert (await answer_to(house, "2001:db8:0:1::1", "wrong")).status_code == 401


async def test_clients_of_the_provider_are_told_in_its_shape(house: House) -> None:
    await exhaust(house, "192.0.2.1", "/evolink/v1/tasks/task-a")
    refused = await answer_to(house, "192.0.2.1", "wrong", "/evolink/v1/tasks/task-a")
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_failures"
    assert refused.headers["retry-after"]


@pytest.mark.parametrize("wrong", ["sesame-open", f"darkroom_{'q' * 43}"])
async def test_the_log_has_one_line_of_it_without_what_was_shown(house: House, wrong: str) -> None:
    with capture_logs() as lines:
        async with at(house, "192.0.2.1", wrong) as client:
            for _ in range(5):
                await client.get("/v1/tasks")
    [line] = [line for line in lines if line["event"] == "auth_failed"]
    assert (line["address"], line["reason"], line["log_level"]) == ("192.0.2.1", "unknown", "warning")
    assert not any(wrong in str(one) for one in lines)

"""Guessing a callback URL or a key: neither how long the answer takes nor how many guesses are made helps."""

import asyncio
import random
import statistics
import time
from urllib.parse import urlsplit

from tests.attacks.honest import withstood
from tests.system.conftest import Start
from tests.system.support.connection import Answered, Connection, post
from tests.system.support.provider import call_back, new_task_id, task_object

AT_ONCE = 60
"""Wrong keys of an address that are answered before it has to wait."""

ROUNDS = 400
APART = 0.1
"""By how much the usual times of two kinds of guess may differ. It would show a look-up that only some guesses lead to,
not the nanoseconds of a comparison, which nobody sees through a network."""


async def spent(connection: Connection, path: str) -> float:
    """Seconds until a guess is refused."""
    began = time.perf_counter()
    outcome = await connection.exchange(post(path, b"{}"))
    assert isinstance(outcome, Answered)
    assert outcome.status == 404
    return time.perf_counter() - began


async def test_a_token_that_is_nearly_right_takes_as_long_to_refuse_as_one_that_is_all_wrong(start: Start) -> None:
    service = await start(tls=False, LOG__LEVEL="error")
    head, _, signature = urlsplit(await service.api.mint()).path.rpartition(".")
    other = {"A": "B"}
    invented = f"{head[:-8]}{''.join(other.get(char, 'A') for char in head[-8:])}.{signature}"
    last_wrong = f"{head}.{signature[:-2]}{other.get(signature[-2], 'A')}{signature[-1]}"
    all_wrong = f"{head}.{''.join(other.get(char, 'A') for char in signature)}"
    times: dict[str, list[float]] = {last_wrong: [], all_wrong: [], invented: []}
    connection = await Connection.open(service.port, None)
    assert isinstance(connection, Connection)
    for _ in range(ROUNDS):
        for path in random.sample([*times], len(times)):
            times[path].append(await spent(connection, path))
    await connection.close()
    usual = [statistics.quantiles(taken, n=10)[0] for taken in times.values()]  # others slow the rest down
    assert max(usual) - min(usual) < APART * min(usual) + 0.0001, usual


async def test_guesses_from_many_connections_find_nothing_and_delay_nobody(start: Start) -> None:
    service = await start(tls=False)

    async def guess(seed: int) -> set[int]:
        chance, found = random.Random(seed), set()
        connection = await Connection.open(service.port, None)
        assert isinstance(connection, Connection)
        for _ in range(200):
            outcome = await connection.exchange(post(f"/callbacks/evolink/{chance.randbytes(24).hex()}", b"{}"))
            found.add(outcome.status if isinstance(outcome, Answered) else 0)
        await connection.close()
        return found

    async with withstood(service):
        assert set.union(*await asyncio.gather(*map(guess, range(8)))) == {404}
    assert len(await service.api.all("/v1/callbacks", verdict="refused")) <= 100
    assert service.log.count('"refused"') <= 60


async def test_an_address_that_tries_many_keys_is_told_to_wait(start: Start) -> None:
    service = await start(tls=False)
    url = await service.api.mint()
    async with service.client("dk_" + "x" * 40) as stranger:
        began = time.monotonic()
        answers = [(await stranger.get("/v1/stats")).status_code for _ in range(200)]
        seconds = time.monotonic() - began
    assert set(answers) == {401, 429}
    assert answers.index(429) >= AT_ONCE
    assert answers.count(401) <= AT_ONCE + seconds / 2 + 2, "one more every two seconds"
    taken = await call_back(service.api.client, url, task_object(new_task_id(), status="processing"))
    assert taken.status_code == 202

"""Bodies of the greatest size that is taken, made to cost as much as they can; from somebody with a callback URL."""

import asyncio
import gzip
from collections import Counter

import pytest

from tests.attacks.honest import withstood
from tests.system.conftest import Start
from tests.system.support.connection import Answered, one_exchange, post
from tests.system.support.darkroom import Darkroom

LARGEST = 2**20
"""What a body may have unless a setting says otherwise."""


def filled(beginning: str, more: str, end: str = "") -> bytes:
    """As many repetitions as fit between a beginning and an end."""
    room = LARGEST - len(beginning.encode()) - len(end.encode())
    return f"{beginning}{more * (room // len(more.encode()))}{end}".encode()


TASK = '{"id":"task-hostile","status":"completed",'
BODIES: dict[str, bytes] = {
    "depth": filled(TASK + '"usage":', "["),
    "depth that ends": f'{TASK}"usage":{"[" * 400_000}{"]" * 400_000}}}'.encode(),
    "depth of maps": filled(TASK + '"usage":', '{"a":'),
    "digits": filled(TASK + '"created":', "9", "}"),
    "digits of a fraction": filled(TASK + '"usage":{"x":0.', "9", "}}"),
    "an exponent": filled(TASK + '"usage":{"x":1e', "9", "}}"),
    "the same key": filled("{" + '"id":"task-hostile",' * 10, '"id":"task-hostile",', '"status":"failed"}'),
    "many keys": (TASK + ",".join(f'"k{n}":{n}' for n in range(60_000)) + "}").encode(),
    "many links": (
        TASK + '"results":[' + ",".join(f'"https://files.evolink.ai/{n}"' for n in range(28_000)) + "]}"
    ).encode(),
    "one long link": filled(TASK + '"results":["https://files.evolink.ai/', "a", '"]}'),
    "a host of dots": filled(TASK + '"results":["https://', "a.", '"]}'),
    "an address of colons": filled(TASK + '"results":["https://[', ":", ']/"]}'),
    "lone surrogates": filled(TASK + '"model":"', "\\ud800", '"}'),
    "NUL": filled(TASK + '"model":"', "\\u0000", '"}'),
    "NaN": filled(TASK + '"usage":[NaN', ",NaN", "]}"),
    "two bytes a character": (TASK + '"model":"' + "a" * 500_000 + '"}').encode("utf-16"),
    "white space": filled(TASK, " ", '"a":1}'),
    "a string without an end": filled(TASK + '"a":"', "\\"),
}


async def status(service: Darkroom, path: str, body: bytes, **headers: str) -> int:
    outcome = await one_exchange(service.port, service.tls, post(path, body, headers=headers))
    assert isinstance(outcome, Answered), outcome
    return outcome.status


async def mint(service: Darkroom) -> str:
    return (await service.api.mint()).removeprefix(service.url)


async def test_bodies_made_to_cost_are_answered_and_delay_nobody(start: Start) -> None:
    service = await start(tls=False)
    async with withstood(service):
        for what, body in BODIES.items():
            path = await mint(service)  # each its own, as a URL has an allowance
            for _ in range(2):
                assert await status(service, path, body) in (200, 202, 422), what
    assert await service.api.all("/v1/tasks")
    assert await service.api.all("/v1/callbacks", verdict="unreadable")


SMALL_VALUES = ("[]", "{}", "[[]]", '"ab"', "1.5")
"""What takes thirty times the memory that it takes in a body."""


@pytest.mark.parametrize("small", SMALL_VALUES)
async def test_a_burst_of_many_small_values_takes_little_more_memory_than_its_bytes(start: Start, small: str) -> None:
    """As many as the allowances of three URLs let in at once."""
    service = await start(tls=False)
    paths = [await mint(service) for _ in range(3)]
    sent = [
        status(
            service, path, filled(f'{{"id":"task-{number}-{at}","status":"failed","usage":{{"a":[1', f",{small}", "]}}")
        )
        for at, path in enumerate(paths)
        for number in range(31)
    ]
    async with withstood(service, grown_at_most=300 * 2**20):
        answered = Counter(await asyncio.gather(*sent))
    assert set(answered) <= {202, 503}
    assert answered[202] > 31
    assert all(task["usage"] is None for task in await service.api.all("/v1/tasks", status="failed"))


async def test_zeros_before_a_length_change_nothing_of_what_a_url_may_send(start: Start) -> None:
    service = await start(tls=False)
    path = await mint(service)

    async def sent(number: int) -> int | None:
        body = filled(f'{{"id":"task-{number}","status":"failed","a":"', "a", '"}')
        request = post(path, body, announced=f"{len(body):030}")
        outcome = await one_exchange(service.port, service.tls, request)
        return outcome.status if isinstance(outcome, Answered) else None  # hung up on while it sends

    async with withstood(service, grown_at_most=300 * 2**20):
        answered = Counter(await asyncio.gather(*map(sent, range(60))))
    assert set(answered) <= {202, 503, 429, None}
    assert 25 <= answered[202] + answered[503] <= 40, "what it let in before it was too often"


async def test_a_compressed_body_is_not_inflated(start: Start) -> None:
    service = await start(tls=False)
    path = await mint(service)
    bomb = gzip.compress(b'{"id":"task-bomb","status":"failed"}' + b" " * 2**29)
    async with withstood(service):
        assert await status(service, path, bomb, **{"Content-Encoding": "gzip"}) == 422
    (kept,) = await service.api.all("/v1/callbacks", verdict="unreadable")
    assert kept["bytes"] == len(bomb)

"""How many callbacks a second become durable, beside a route that only reads and answers.

Two phases: all are sent, then every id is looked up in what the service keeps. A callback takes the complete path:
token, body, parsing, rows of inbox, task, image and history, metrics, a log line in a file.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from service.intake.callback_token import CallbackToken, TokenSigner, callback_url
from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.benchmarks.sender import Load, Sent, send
from tests.benchmarks.serving import SECRET, baseline, processor_seconds, resident, service
from tests.support.postgres import PostgresDatabases, own_server
from tests.system.support.burden import process_id
from tests.system.support.darkroom import Darkroom

CONNECTIONS = 64
TOKENS = 200
PROMPT = "A lighthouse at dusk, long exposure, film grain, seen from the cliffs."
BARE = "a route that reads the body and answers"

Make = Callable[[int], bytes]
"""The body of a callback, by its number."""


def expiring(number: int) -> str:
    """A link as the provider gives them; nobody fetches it."""
    return f"https://files.evolink.ai/2026/11/{number:032x}/0.png?sig={number:064x}"


def task_id(number: int) -> str:
    return f"task-unified-{1_780_000_000 + number}-{number:08x}"


def completed(number: int, link: str | None = None) -> bytes:
    """A completed callback as the provider sends it."""
    document = {
        "id": task_id(number),
        "object": "image.generation.task",
        "created": int(datetime.now(UTC).timestamp()),
        "model": "gpt-image-2",
        "type": "image",
        "status": "completed",
        "progress": 100,
        "results": [link or expiring(number)],
        "task_info": {"can_cancel": False, "estimated_time": 30},
        "usage": {"billing_rule": "per_call", "credits_reserved": 1.2, "user_group": "default"},
        "prompt": PROMPT,
    }
    return json.dumps(document).encode()


def processing(number: int) -> bytes:
    """One that says that the provider is at it."""
    return json.dumps({"id": task_id(number), "model": "gpt-image-2", "status": "processing", "progress": 40}).encode()


def requests(numbers: Sequence[int], make: Make = completed) -> list[bytes]:
    """A request for each number, through URLs that were minted for many of them."""
    signer, now = TokenSigner([SECRET]), datetime.now(UTC)
    paths = [
        urlsplit(callback_url("http://h", CallbackToken(f"bench-{one}", "evolink", now), signer)).path
        for one in range(TOKENS)
    ]
    return [_request(paths[number % TOKENS], make(number)) for number in numbers]


def _request(path: str, data: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: EvoLink\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def deliver(
    port: int,
    numbers: Sequence[int],
    *,
    connections: int = CONNECTIONS,
    pace: float | None = None,
    make: Make = completed,
) -> Sent:
    """Send a callback for each number; raises AssertionError unless each was answered 202."""
    sent = await asyncio.to_thread(send, Load(port, requests(numbers, make), connections, pace))
    assert sent.statuses == {202: len(numbers)}, sent.statuses
    return sent


async def verify(darkroom: Darkroom, numbers: Sequence[int]) -> None:
    """Look every id up: a task with its image, and one callback in the inbox. Raises AssertionError."""
    wanted = {task_id(number) for number in numbers}
    tasks = {task["id"]: task for task in await darkroom.api.all("/v1/tasks")}
    assert wanted <= tasks.keys(), f"{len(wanted - tasks.keys())} tasks are missing"
    assert all(len(tasks[one]["assets"]) == 1 for one in wanted)
    callbacks = [one["task_id"] for one in await darkroom.api.all("/v1/callbacks")]
    assert len(callbacks) == len(set(callbacks)) == len(tasks)


async def on_sqlite(folder: Path, *, callbacks: int, rounds: int) -> list[Ratio]:
    async with service(folder / "sqlite") as darkroom:
        return await _beside_bare(darkroom, "SQLite", 0.35, callbacks=callbacks, rounds=rounds)


async def on_postgres(folder: Path, *, callbacks: int, rounds: int) -> list[Ratio]:
    with own_server(synced=True) as server:
        url = str(PostgresDatabases(server.url).new())
        async with service(folder / "postgresql", DATABASE_URL=url) as darkroom:
            return await _beside_bare(darkroom, "PostgreSQL", 0.2, callbacks=callbacks, rounds=rounds)


async def _beside_bare(darkroom: Darkroom, where: str, least: float, *, callbacks: int, rounds: int) -> list[Ratio]:
    """Throughput and the slowest of a hundred, round by round beside the bare route."""
    rates, slowest = [], []
    async with baseline() as (port, _):
        await deliver(port, range(500))
        for turn in range(rounds):
            numbers = range(turn * callbacks, (turn + 1) * callbacks)
            theirs, ours = await deliver(port, numbers), await deliver(darkroom.port, numbers)
            rates.append(Pair(ours.per_second, theirs.per_second))
            slowest.append(Pair(1000 * ours.percentile(0.99), 1000 * theirs.percentile(0.99)))
    await verify(darkroom, range(rounds * callbacks))
    rate = Goal(f"callbacks made durable, {where}", BARE, "a second", Better.MORE, least)
    late = Goal(f"99 of 100 of them answered within, {where}", BARE, "ms", Better.LESS, 6)
    return [Ratio(rate, rates), Ratio(late, slowest)]


async def among_many(folder: Path, *, tasks: int, few: int, callbacks: int, rounds: int) -> list[Ratio]:
    """What one costs where very many are kept, beside where few are; and what memory comes to on the way there."""
    async with _holding(folder / "few", few) as small, _holding(folder / "many", few) as large:
        process = process_id(large)
        before = resident(process)
        for first in range(few, tasks, STRETCH):
            await deliver(large.port, range(first, min(first + STRETCH, tasks)))
        memory = Pair(resident(process) / 2**20, before / 2**20)
        costs = [
            Pair(*[await _cost(one, tasks + turn * callbacks, callbacks) for one in (large, small)])
            for turn in range(rounds)
        ]
        await verify(small, [*range(few), *range(tasks, tasks + rounds * callbacks)])
        assert sum((await large.api.get("/v1/stats"))["tasks"].values()) == tasks + rounds * callbacks
    cost = Goal(f"processor time of a callback at {tasks:,} tasks", f"at {few:,}", "us", Better.LESS, 1.2)
    held = Goal(f"resident memory after {tasks:,} callbacks", f"after {few:,}", "MiB", Better.LESS, 1.1)
    return [Ratio(cost, costs), Ratio(held, [memory])]


STRETCH = 20_000


@asynccontextmanager
async def _holding(folder: Path, tasks: int) -> AsyncIterator[Darkroom]:
    async with service(folder) as darkroom:
        await deliver(darkroom.port, range(tasks))
        yield darkroom


async def _cost(darkroom: Darkroom, first: int, callbacks: int) -> float:
    """Microseconds of processors for each of so many callbacks."""
    process = process_id(darkroom)
    before = processor_seconds(process)
    await deliver(darkroom.port, range(first, first + callbacks))
    return 1e6 * (processor_seconds(process) - before) / callbacks

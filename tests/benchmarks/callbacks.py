"""How many callbacks a second become durable, beside a route that only reads and answers.

Two phases: all are sent, then every id is looked up in what the service keeps. A callback takes the complete path:
token, body, parsing, rows of inbox, task, image and history, metrics, a log line in a file.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from service.intake.callback_token import CallbackToken, TokenSigner, callback_url
from tests.benchmarks.sender import Load, Sent, send
from tests.system.support.authority import new_authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import free_port
from tests.system.support.settings import list_setting, settings_for
from tests.system.support.waiting import eventually

SECRET = "the signing secret of all benchmarks"
CONNECTIONS = 64
TOKENS = 200
PROMPT = "A lighthouse at dusk, long exposure, film grain, seen from the cliffs."


@asynccontextmanager
async def service(folder: Path, **settings: str | None) -> AsyncIterator[Darkroom]:
    """`darkroom serve` that takes callbacks and answers questions, and fetches nothing unless told to."""
    folder.mkdir(exist_ok=True)
    changed = {
        "ROLES": "receiver,api",
        "CALLBACKS__SECRETS": list_setting(SECRET),
        "LOG__LEVEL": "info",
        "LOG__FORMAT": "json",
        **settings,
    }
    port = free_port()
    given = settings_for(folder, port, authority=new_authority(folder), tls=False, changed=changed)
    darkroom = Darkroom(folder=folder, settings=given, tls=None)
    try:
        await darkroom.start()
        yield darkroom
    finally:
        await darkroom.close()


@asynccontextmanager
async def baseline() -> AsyncIterator[int]:
    """The port of a route that only answers."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.benchmarks.baseline", str(port)]) as process:
        try:
            await eventually(lambda: _answers(port), what="the baseline answers")
            yield port
        finally:
            process.terminate()


async def _answers(port: int) -> bool | None:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    writer.close()
    return True


def task_id(number: int) -> str:
    return f"task-unified-{1_780_000_000 + number}-{number:08x}"


def body(number: int) -> bytes:
    """A completed callback as the provider sends it."""
    document = {
        "id": task_id(number),
        "object": "image.generation.task",
        "created": int(datetime.now(UTC).timestamp()),
        "model": "gpt-image-2",
        "type": "image",
        "status": "completed",
        "progress": 100,
        "results": [f"https://files.evolink.ai/2026/11/{number:032x}/0.png?sig={number:064x}"],
        "task_info": {"can_cancel": False, "estimated_time": 30},
        "usage": {"billing_rule": "per_call", "credits_reserved": 1.2, "user_group": "default"},
        "prompt": PROMPT,
    }
    return json.dumps(document).encode()


def requests(numbers: Sequence[int]) -> list[bytes]:
    """A request for each number, through URLs that were minted for many of them."""
    signer, now = TokenSigner([SECRET]), datetime.now(UTC)
    paths = [
        urlsplit(callback_url("http://h", CallbackToken(f"bench-{one}", "evolink", now), signer)).path
        for one in range(TOKENS)
    ]
    return [_request(paths[number % TOKENS], body(number)) for number in numbers]


def _request(path: str, data: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: EvoLink\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@dataclass(frozen=True, slots=True)
class Run:
    """What the sender saw, and seconds of processors that the server took."""

    sent: Sent
    cpu: float


async def send_to(port: int, pid: int, numbers: Sequence[int], *, connections: int = CONNECTIONS) -> Run:
    """Send a callback for each number; raises AssertionError unless each was answered 202."""
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    sent = await asyncio.to_thread(send, Load(port, requests(numbers), connections))
    assert sent.statuses == {202: len(numbers)}, sent.statuses
    return Run(sent, sum(process.cpu_times()[:2]) - before)


async def verify(darkroom: Darkroom, numbers: Sequence[int]) -> None:
    """Look every id up: a task with its image, and one callback in the inbox. Raises AssertionError."""
    wanted = {task_id(number) for number in numbers}
    tasks = {task["id"]: task for task in await darkroom.api.all("/v1/tasks")}
    assert wanted <= tasks.keys(), f"{len(wanted - tasks.keys())} tasks are missing"
    assert all(len(tasks[one]["assets"]) == 1 for one in wanted)
    callbacks = [one["task_id"] for one in await darkroom.api.all("/v1/callbacks")]
    assert len(callbacks) == len(set(callbacks)) == len(tasks)

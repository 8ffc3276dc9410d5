"""The provider's side: task objects as it documents them, and its callbacks."""

import asyncio
import contextlib
import itertools
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

import httpx

TIMEOUT = 10.0
"""Seconds that the provider waits for an answer."""


def new_task_id() -> str:
    return f"task-unified-{int(time.time())}-{secrets.token_hex(5)}"


def task_object(task_id: str, *, status: str = "completed", links: Sequence[str] = (), **members: Any) -> bytes:
    """The body of a callback."""
    document = {
        "id": task_id,
        "object": "image.generation.task",
        "type": "image",
        "model": "gpt-image-2",
        "status": status,
        "progress": 100 if status == "completed" else 40,
        "created": int(time.time()),
        **({"results": list(links)} if status == "completed" else {}),
        **members,
    }
    return json.dumps(document).encode()


async def call_back(client: httpx.AsyncClient, url: str, body: bytes) -> httpx.Response:
    """One attempt to deliver."""
    headers = {"Content-Type": "application/json"}
    return await client.post(url, content=body, headers=headers, timeout=TIMEOUT)


async def call_back_until_taken(client: httpx.AsyncClient, url: str, body: bytes, *, pauses: Sequence[float]) -> int:
    """Deliver until a 2xx comes, and return it; waits so many seconds in between, the last of them again and again."""
    for wait in itertools.chain(pauses, itertools.repeat(pauses[-1])):
        with contextlib.suppress(httpx.TransportError):
            answer = await call_back(client, url, body)
            if answer.is_success:
                return answer.status_code
        await asyncio.sleep(wait)
    raise AssertionError("unreachable")

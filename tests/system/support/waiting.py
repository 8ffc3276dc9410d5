"""Waiting for something that can be observed: bounded, and telling what did not come."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.05
"""Seconds between two looks."""


async def eventually(
    look: Callable[[], Awaitable[T | None]], *, what: str, within: float = 30.0, every: float = LOOK_EVERY
) -> T:
    """The first result of `look` that is not None; raises AssertionError when none comes within so many seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while (found := await look()) is None:
        if loop.time() > deadline:
            raise AssertionError(f"{what}: not within {within:.0f} s")
        await asyncio.sleep(every)
    return found

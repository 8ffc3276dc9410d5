"""Getting pictures, whatever happens to the service on the way: what every way of it has."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.crash.support.scene import Scene

ASKS_AGAIN_AFTER = 0.3
PATIENT_FOR = 5.0
"""Seconds for which nothing is known, before time has to pass: more than a few looks take."""

GIVES_UP_AFTER = 60.0


@dataclass(slots=True)
class Order:
    """What is asked for, under one key. No two of an errand have the same size, so that an image tells whose it is."""

    key: str
    asked: dict[str, Any]
    task_id: str | None = None

    @property
    def images(self) -> int:
        count: int = self.asked.get("n", 1)
        return count


class Errand(Protocol):
    """What was got is not asked for again.

    `begun` is when, by the machine's monotonic clock in seconds; `answers` counts the statuses, or exit codes, of its
    requests.
    """

    orders: Sequence[Order]
    begun: float
    answers: Counter[int]

    async def begin(self, scene: Scene, door: Sequence[str]) -> int:
        """With a process behind a doorkeeper, until that is killed or everything is done; its exit code."""
        ...

    async def go_on(self, scene: Scene, later: Callable[[], None]) -> None:
        """With a server, until every order has its task and every task has ended; `later` lets time pass."""
        ...

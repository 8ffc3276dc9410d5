"""One order, given by a command that archives its images itself; after it was killed, beside a server."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.crash.support.errand import ASKS_AGAIN_AFTER, GIVES_UP_AFTER, PATIENT_FOR, Order
from tests.crash.support.scene import Scene
from tests.system.support.stand_in import SIZE
from tests.system.support.submitting import wish

PROMPT, KEY = "a lighthouse at dusk", "order-of-a-lighthouse"
COMMAND = ("submit", PROMPT, "--size", SIZE, "--n", "2", "--idempotency-key", KEY, "--wait", "--json")

WITHIN = 90.0
"""Seconds for a command, which waits for its images, on a machine that is at its limit."""


class ByCommand:
    """`darkroom submit --wait`, again and again."""

    def __init__(self) -> None:
        self.orders: Sequence[Order] = (Order(KEY, wish(PROMPT, n=2)),)
        self.begun = 0.0
        self.answers: Counter[int] = Counter()

    async def begin(self, scene: Scene, door: Sequence[str]) -> int:
        code, _, _ = await _run(scene, door)
        return code

    async def go_on(self, scene: Scene, later: Callable[[], None]) -> None:
        [order] = self.orders
        began = time.monotonic()
        while order.task_id is None:
            code, told, error = await _run(scene, scene.clock.prefix)
            self.answers[code] += 1
            if code == 0:
                order.task_id = json.loads(told)["task_id"]
                return
            assert "not known yet" in error, error
            assert time.monotonic() < began + GIVES_UP_AFTER, error
            if time.monotonic() > began + PATIENT_FOR:
                later()
            await asyncio.sleep(ASKS_AGAIN_AFTER)


async def _run(scene: Scene, prefix: Sequence[str]) -> tuple[int, str, str]:
    """Give the order; how the command ended, and what it printed."""
    command = scene.service.begin(*COMMAND, prefix=prefix)
    try:
        told, error = await asyncio.to_thread(command.communicate, None, WITHIN)
    finally:
        command.kill()  # which changes nothing where it has ended
        command.wait()
    return command.returncode, told, error

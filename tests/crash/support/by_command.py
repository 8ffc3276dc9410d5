"""One order, given by a command that archives its images itself; after it was killed, beside a server."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.crash.support.errand import ASKS_AGAIN_AFTER, GIVES_UP_AFTER, PATIENT_FOR, Order
from tests.crash.support.scene import Scene
from tests.system.support.darkroom import STOP_WITHIN
from tests.system.support.stand_in import SIZE
from tests.system.support.submitting import wish

PROMPT, KEY = "a lighthouse at dusk", "order-of-a-lighthouse"
COMMAND = ("submit", PROMPT, "--size", SIZE, "--n", "2", "--idempotency-key", KEY, "--wait", "--json")


class ByCommand:
    """`darkroom submit --wait`, again and again."""

    def __init__(self) -> None:
        self.orders: Sequence[Order] = (Order(KEY, wish(PROMPT, n=2)),)
        self.begun = 0.0
        self.answers: Counter[int] = Counter()

    async def begin(self, scene: Scene, door: Sequence[str]) -> int:
        command = scene.service.begin(*COMMAND, prefix=door)
        await asyncio.to_thread(command.communicate, None, STOP_WITHIN)
        return command.returncode

    async def go_on(self, scene: Scene, later: Callable[[], None]) -> None:
        [order] = self.orders
        began = time.monotonic()
        while order.task_id is None:
            done = await scene.service.run(*COMMAND, prefix=scene.clock.prefix)
            self.answers[done.returncode] += 1
            if done.returncode == 0:
                order.task_id = json.loads(done.stdout)["task_id"]
                return
            assert "not known yet" in done.stderr, done.stderr
            assert time.monotonic() < began + GIVES_UP_AFTER, done.stderr
            if time.monotonic() > began + PATIENT_FOR:
                later()
            await asyncio.sleep(ASKS_AGAIN_AFTER)

"""Three orders, given by a client of a server."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import httpx

from tests.crash.support.catalog_rows import all_at_rest
from tests.crash.support.errand import ASKS_AGAIN_AFTER, GIVES_UP_AFTER, PATIENT_FOR, Order
from tests.crash.support.scene import Scene
from tests.crash.support.servers import started
from tests.system.support.gateway import Way
from tests.system.support.provider_client import ProviderClient
from tests.system.support.submitting import through, wish

RESTS = 3.0
"""Seconds for a server to finish what is left, before it is killed and started again."""


class ByClient:
    """All `at_once`, or one after the other; `way` is what the requests of the first server meet."""

    def __init__(self, *, at_once: bool, way: Way) -> None:
        self.orders: Sequence[Order] = (
            Order("order-of-a-lighthouse", wish("a lighthouse at dusk", quality="low")),
            Order("order-of-two-mills-00", wish("a mill by the sea", size="640x1024", n=2)),
            Order("order-of-a-bridge-000", wish("a bridge, 橋", size="832x800", quality="medium")),
        )
        self.begun = 0.0
        self.answers: Counter[int] = Counter()
        self._at_once = at_once
        self._way = way

    async def begin(self, scene: Scene, door: Sequence[str]) -> int:
        scene.gateway.way = self._way
        with suppress(httpx.TransportError):
            if await started(scene.service, door):
                self.begun = time.monotonic()
                await self.go_on(scene, lambda: None)
                with suppress(AssertionError):
                    await all_at_rest(scene.data, within=RESTS)
        scene.service.signal(signal.SIGKILL)
        scene.gateway.way = Way.OPEN
        return await scene.service.ended()

    async def go_on(self, scene: Scene, later: Callable[[], None]) -> None:
        open_ones = [order for order in self.orders if order.task_id is None]
        async with through(scene.service, scene.provider) as client:
            if self._at_once:
                asking = (self._ask(client, order, later) for order in open_ones)
                outcomes = await asyncio.gather(*asking, return_exceptions=True)
                if error := next((one for one in outcomes if one is not None), None):
                    raise error
            else:
                for order in open_ones:
                    await self._ask(client, order, later)
            for order in self.orders:
                assert order.task_id is not None
                await client.wait(order.task_id)

    async def _ask(self, client: ProviderClient, order: Order, later: Callable[[], None]) -> None:
        began = time.monotonic()
        while order.task_id is None:
            answer = await client.submit_once(key=order.key, **order.asked)
            self.answers[answer.status_code] += 1
            if answer.status_code == 200:
                order.task_id = answer.json()["id"]
                return
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < began + GIVES_UP_AFTER, answer.text
            if time.monotonic() > began + PATIENT_FOR:
                later()
            await asyncio.sleep(ASKS_AGAIN_AFTER)

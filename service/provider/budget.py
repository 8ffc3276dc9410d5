"""How fast we ask: one token bucket for every request to the provider. It knows nothing of answers."""

import asyncio
from collections.abc import Awaitable, Callable


class Budget:
    """`per_second` requests, above 0, with a burst of one second's worth and at least one.

    Who waits is served in the order of coming; a wait that is cancelled costs nothing.
    """

    def __init__(
        self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._tokens = self._most
        self._counted_at = clock()
        self._clock = clock
        self._sleep = sleep
        self._line = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the right to send one request."""
        async with self._line:
            if (missing := 1 - self._count()) > 0:
                await self._sleep(missing / self._per_second)
            self._tokens -= 1

    def give_back(self) -> None:
        """The request was not sent after all."""
        self._tokens += 1

    def _count(self) -> float:
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._counted_at) * self._per_second, self._most)
        self._counted_at = now
        return self._tokens

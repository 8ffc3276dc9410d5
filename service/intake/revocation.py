"""Which callback tokens are revoked, in memory: asked on every callback before its body is read."""

import asyncio

from service.catalog.catalog import Catalog

REFRESH_SECONDS = 2.0
"""How long a revocation by another process (a command, a replica) takes to count here; our own counts at once."""


class RevokedTokens:
    """The ids of revoked tokens, read again every 2 s."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ids: frozenset[str] = frozenset()
        self._reading = asyncio.Lock()

    def ids(self) -> frozenset[str]:
        return self._ids

    async def refresh(self) -> None:
        """Read them again; one reader at a time, so that an older answer never replaces a newer one."""
        async with self._reading:
            self._ids = await self._catalog.read(lambda tx: tx.tokens.revoked())

    async def run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

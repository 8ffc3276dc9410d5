"""Taking callback tokens out of use, and which are, in memory: asked on every callback before its body is read."""

import asyncio

from service.catalog.catalog import Catalog, Transaction
from service.domain.audit import Action
from service.errors import CatalogUnavailable, NotFound
from service.observability.seldom import Seldom

REFRESH_SECONDS = 2.0
"""How long a revocation by another process (a command, a replica) takes to count here; our own counts at once."""


def revoke(tx: Transaction, *, token_id: str) -> None:
    """Take a callback URL out of use; raises NotFound. Again it changes nothing."""
    known = tx.tokens.known([token_id]).get(token_id)
    if known is not None and known.revoked_at is not None:
        return
    if not tx.tokens.revoke(token_id, tx.now):
        raise NotFound("callback_url_not_found", f"no callback URL of the id {token_id!r} was minted here")
    tx.audit.note(Action.CALLBACK_URL_REVOKED, token_id)


class RevokedTokens:
    """The ids of revoked tokens, read again every 2 s."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ids: frozenset[str] = frozenset()
        self._reading = asyncio.Lock()
        self._read = False
        self._outages = Seldom("revoked_tokens_not_read")
        self._unknown = False  # where the first look failed: then nobody may be let in

    def ids(self) -> frozenset[str]:
        """Raises CatalogUnavailable while they could not be read at all."""
        if self._unknown:
            raise CatalogUnavailable("it is not known yet which callback URLs are revoked")
        return self._ids

    async def refresh(self) -> None:
        """Read them again; one reader at a time, so that an older answer never replaces a newer one."""
        async with self._reading:
            try:
                self._ids = await self._catalog.read(lambda tx: tx.tokens.revoked())
            except CatalogUnavailable:
                self._unknown = self._unknown or not self._read
                raise
            self._read, self._unknown = True, False

    async def run(self) -> None:
        """Never leaves for an outage: callbacks are taken again at once after it, so the next look is not put off."""
        while True:
            try:
                await self.refresh()
            except CatalogUnavailable as error:
                self._outages.tell(reason=str(error))
            await asyncio.sleep(REFRESH_SECONDS)

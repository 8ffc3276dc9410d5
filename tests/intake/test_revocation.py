"""Revoked tokens, as every callback asks for them: in memory, and current."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tokens import MintedToken
from service.intake.revocation import REFRESH_SECONDS, RevokedTokens
from tests.web.virtual_time import run

T = TypeVar("T")

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def minted(catalog: Catalog, token_id: str) -> None:
    await catalog.write(lambda tx: tx.tokens.add(MintedToken(token_id, "evolink", NOW)))


async def test_only_revoked_tokens_are_known_and_only_after_a_look(catalog: Catalog) -> None:
    await minted(catalog, "good")
    await minted(catalog, "bad")
    await catalog.write(lambda tx: tx.tokens.revoke("bad", NOW))
    revoked = RevokedTokens(catalog=catalog)
    assert revoked.ids() == frozenset()
    await revoked.refresh()
    assert revoked.ids() == {"bad"}


async def test_a_token_that_was_never_minted_cannot_be_revoked(catalog: Catalog) -> None:
    assert await catalog.write(lambda tx: tx.tokens.revoke("none", NOW)) is False
    revoked = RevokedTokens(catalog=catalog)
    await revoked.refresh()
    assert revoked.ids() == frozenset()


def test_what_another_process_revoked_is_found_at_the_next_look() -> None:
    class Known(Catalog):
        """A catalog that only knows what was revoked."""

        revoked: frozenset[str] = frozenset()

        async def read(self, work: Callable[[Transaction], T]) -> Any:
            return self.revoked

    async def watched() -> list[bool]:
        catalog = Known(Path("never-opened.db"))
        revoked = RevokedTokens(catalog=catalog)
        loop = asyncio.create_task(revoked.run())
        await asyncio.sleep(REFRESH_SECONDS / 2)
        catalog.revoked = frozenset({"bad"})
        early = "bad" in revoked.ids()
        await asyncio.sleep(REFRESH_SECONDS)
        loop.cancel()
        await asyncio.wait([loop])
        return [early, "bad" in revoked.ids()]

    assert run(watched()) == [False, True]

"""Revoked tokens, as every callback asks for them: in memory, and current."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from service.background import keep_running
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tokens import MintedToken
from service.errors import CatalogUnavailable, NotFound
from service.intake.revocation import REFRESH_SECONDS, RevokedTokens, revoke
from tests.support.trail import SOMEBODY, trail
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


async def test_a_url_is_taken_out_of_use_by_its_id_and_again_changes_nothing(catalog: Catalog) -> None:
    await minted(catalog, "bad")
    before = datetime.now(UTC)
    await catalog.write(partial(revoke, token_id="bad"), by=SOMEBODY)
    first = (await catalog.read(lambda tx: tx.tokens.known(["bad"])))["bad"].revoked_at
    assert first is not None
    assert before <= first <= datetime.now(UTC)
    await catalog.write(partial(revoke, token_id="bad"), by=SOMEBODY)
    assert (await catalog.read(lambda tx: tx.tokens.known(["bad"])))["bad"].revoked_at == first
    assert await trail(catalog) == [("callback_url.revoked", "bad")]


async def test_a_url_that_was_never_minted_here_is_not_found(catalog: Catalog) -> None:
    await minted(catalog, "good")
    with pytest.raises(NotFound, match=r"^no callback URL of the id 'none' was minted here$") as raised:
        await catalog.write(partial(revoke, token_id="none"), by=SOMEBODY)
    assert raised.value.code == "callback_url_not_found"
    assert await catalog.read(lambda tx: tx.tokens.revoked()) == frozenset()


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


def test_an_outage_of_minutes_puts_no_look_off_and_is_told_in_a_line() -> None:
    class Away(Catalog):
        """A catalog that is away until its clock says otherwise."""

        back_at = 0.0

        async def read(self, work: Callable[[Transaction], T]) -> Any:
            if asyncio.get_running_loop().time() < self.back_at:
                raise CatalogUnavailable("away")
            return frozenset({"bad"}) if self.back_at else frozenset()

    async def watched() -> tuple[bool, bool]:
        catalog = Away(Path("never-opened.db"))
        revoked = RevokedTokens(catalog=catalog)
        loop = asyncio.create_task(keep_running("revoked", revoked.run))
        await asyncio.sleep(REFRESH_SECONDS / 2)
        catalog.back_at = 181.0
        await asyncio.sleep(catalog.back_at - REFRESH_SECONDS / 2)
        early = "bad" in revoked.ids()
        await asyncio.sleep(REFRESH_SECONDS)
        loop.cancel()
        await asyncio.wait([loop])
        return early, "bad" in revoked.ids()

    with capture_logs() as lines:
        assert run(watched()) == (False, True)
    assert [(line["event"], line["reason"]) for line in lines] == [("revoked_tokens_not_read", "away")]


def test_nobody_is_let_in_while_it_was_never_known_who_is_revoked() -> None:
    class Away(Catalog):
        """A catalog that is away for good."""

        async def read(self, work: Callable[[Transaction], T]) -> Any:
            raise CatalogUnavailable("away")

    async def watched() -> None:
        revoked = RevokedTokens(catalog=Away(Path("never-opened.db")))
        loop = asyncio.create_task(keep_running("revoked", revoked.run))
        await asyncio.sleep(10 * REFRESH_SECONDS)
        with pytest.raises(CatalogUnavailable, match=r"^it is not known yet which callback URLs are revoked$"):
            revoked.ids()
        loop.cancel()
        await asyncio.wait([loop])

    run(watched())

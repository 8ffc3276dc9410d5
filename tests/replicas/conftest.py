"""What the tests of replicas share: a PostgreSQL server that syncs, a bucket, and houses on them."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.replicas.house import USUAL, House, standing
from tests.replicas.store import Store, quick_store
from tests.support.postgres import PostgresServer, own_server
from tests.system.conftest import Begin, authority, image_host, stand_in
from tests.system.support.authority import Authority
from tests.system.support.stand_in import StandIn

__all__ = ["Begin", "authority", "image_host", "stand_in"]


class Build(Protocol):
    """Makes a house on a new database; replicas by name with their roles, and settings by their names without prefix.

    `asks` is the provider that it has a key for; `counting` has its bucket count what is put there.
    """

    def __call__(
        self,
        roles: Mapping[str, str] = USUAL,
        *,
        running: bool = True,
        asks: StandIn | None = None,
        counting: bool = False,
        **changed: str | None,
    ) -> Awaitable[House]: ...


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with own_server(synced=True) as started:
        yield started


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    with quick_store() as started:
        yield started


@pytest.fixture
async def build(tmp_path: Path, authority: Authority, server: PostgresServer, store: Store) -> AsyncIterator[Build]:
    """Builds a house; afterwards no replica runs, and no log has told a secret."""
    built: list[House] = []
    async with AsyncExitStack() as stack:

        async def build_one(
            roles: Mapping[str, str] = USUAL,
            *,
            running: bool = True,
            asks: StandIn | None = None,
            counting: bool = False,
            **changed: str | None,
        ) -> House:
            house = House(
                tmp_path / "house",
                authority=authority,
                server=server,
                bucket=store.bucket,
                roles=roles,
                changed={**(asks.settings if asks else {}), **changed},
                counting=counting,
            )
            await stack.enter_async_context(standing(house))
            built.append(house)
            if running:
                await house.start()
            return house

        yield build_one
    assert [told for house in built for told in house.leaked()] == []

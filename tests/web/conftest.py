"""Running services for the tests of their routes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.app import House, serving


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A service with nothing in it yet."""
    async with serving(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A service that tests of one module share, because nothing they do leaves anything in it.

    They are marked with `asyncio(loop_scope="module")`.
    """
    async with serving(tmp_path_factory.mktemp("empty")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A service with one archived image, for tests that only look at it; shared like `empty`."""
    async with serving(tmp_path_factory.mktemp("archived")) as opened:
        await opened.complete()
        await opened.archive()
        yield opened

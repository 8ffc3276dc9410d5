"""Running services for the tests of pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.app import House, serving
from tests.support.pages import Browser, browsing


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A service with nothing in it yet."""
    async with serving(tmp_path) as opened:
        yield opened


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    """A browser of somebody with the admin key."""
    async with browsing(house) as opened:
        yield opened

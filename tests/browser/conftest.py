"""A gallery that is served by the real command, and a real browser to look at it with.

What drives the browser is not installed for `make test`, so it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.browser.gallery import Gallery, standing
from tests.browser.visit import CHROMIUM, FLAGS, Visitor, logged_in
from tests.support.packages import require
from tests.system.conftest import authority
from tests.system.support.authority import Authority

if TYPE_CHECKING:
    from playwright.async_api import Browser

__all__ = ["authority"]


@pytest.fixture(autouse=True)
def _chromium(request: pytest.FixtureRequest) -> None:
    require(request, {CHROMIUM: "chromium"})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gallery(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Gallery]:
    """A service with images of the stand-in provider, for tests that only look at it or add to it."""
    async with standing(tmp_path_factory.mktemp("gallery"), authority) as one:
        await one.fill()
        yield one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def visitor(gallery: Gallery, chromium: Browser) -> Visitor:
    """Somebody who is logged in to the gallery."""
    return await logged_in(chromium, gallery.service)

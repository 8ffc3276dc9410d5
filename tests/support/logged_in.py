"""A browser that logged in, as far as a client without a window is one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.support.app import House, client_for


@asynccontextmanager
async def logged_in(house: House, *, scope: str = "read") -> AsyncIterator[httpx.AsyncClient]:
    """A client with the session of a key of this scope."""
    async with client_for(house.app) as browser:
        answer = await browser.post("/login", data={"key": f"key-{scope}"})
        assert answer.status_code == 303, answer.text
        yield browser

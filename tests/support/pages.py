"""The gallery as a browser has it: its routes, a browser that is logged in, and what is in a page's markup."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
from starlette.routing import Route

from service.app import create_app
from service.bootstrap import Components
from service.web.browsers import WRITE_TOKEN
from tests.support.app import House, client_for

DOOR = frozenset({"GET /login", "POST /login", "POST /logout", "POST /language"})
"""What is for people who are not logged in, or not any more."""


def is_page(route: Route) -> bool:
    """Whether a route is for people, and no part of the API."""
    return str(route.endpoint.__module__).startswith("service.gallery.")


def pages_of(parts: Components) -> set[str]:
    """What is for people who are logged in."""
    routes = [route for route in create_app(parts).routes if isinstance(route, Route) and is_page(route)]
    return {f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"}} - DOOR


@dataclass(frozen=True, slots=True)
class Browser:
    """A client that keeps cookies and shows no key."""

    client: httpx.AsyncClient

    async def page(self, path: str, **query: str | list[str]) -> str:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def write_token(self) -> str:
        """What the pages of this session write with."""
        [token] = re.findall(r'<meta name="write-token" content="([^"]+)">', await self.page("/"))
        return str(token)

    async def writing(self) -> dict[str, str]:
        return {WRITE_TOKEN: await self.write_token()}


@asynccontextmanager
async def browsing(house: House, key: str = "key-admin") -> AsyncIterator[Browser]:
    """A browser that has logged in with a key."""
    async with client_for(house.app) as client:
        answer = await client.post("/login", data={"key": key})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield Browser(client)


def tiles(page: str) -> list[str]:
    """The images that a page shows, in its order."""
    return re.findall(r'<li class="tile [^>]*data-id="([^"]+)"', page)


class Markup(HTMLParser):
    """What a page holds: its text with its attributes, what runs or is styled within it, and what it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said = ""
        self.inline: list[str] = []
        self.loaded: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        runs = tag == "script" and "src" not in given and given.get("type") != "application/json"
        self.inline += [tag] if tag == "style" or runs else []
        self.loaded |= {given[name] or "" for name in ("src", "srcset") if name in given}
        self.loaded |= {given["href"] or ""} if tag == "link" else set()
        self.said += " ".join(f" {value}" for value in given.values() if value)

    def handle_data(self, data: str) -> None:
        self.said += data

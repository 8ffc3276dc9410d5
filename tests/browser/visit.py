"""Looking at pages as people do, in a real browser that keeps watch: nothing may fail or lead elsewhere unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from tests.system.support.darkroom import Darkroom
from tests.system.support.settings import KEY

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, StorageState

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

WIDE = (1440, 900)
PHONE = (390, 844)

_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => console.error("CSP", event.violatedDirective, event.blockedURI));
"""


@dataclass(slots=True)
class Watch:
    """What a page did: every address that it asked for, and what went wrong in it."""

    origin: str
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def keep(self, page: Page) -> None:
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)

    @property
    def elsewhere(self) -> list[str]:
        """Addresses of other origins."""
        return [one for one in self.asked if not one.startswith((f"{self.origin}/", "data:", "blob:"))]

    def to(self, path: str) -> list[str]:
        """The query strings that a path of ours was asked for with."""
        whole = self.origin + path
        return [one[len(whole) + 1 :] for one in self.asked if one == whole or one.startswith(f"{whole}?")]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is logged in, or is not where `state` is None."""

    browser: Browser
    origin: str
    state: StorageState | None = None

    @asynccontextmanager
    async def visit(
        self,
        path: str = "/",
        *,
        size: tuple[int, int] = WIDE,
        scheme: Literal["light", "dark"] = "light",
        locale: str = "en",
        forgives: Collection[str] = (),
        **context: Any,
    ) -> AsyncIterator[Page]:
        """A page in a window of its own. `forgives` are words of what may go wrong in it: all else fails the test."""
        width, height = size
        opened = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=locale,
            ignore_https_errors=True,
            storage_state=self.state,
            **context,
        )
        await opened.add_init_script(_TELL_VIOLATIONS)
        page = await opened.new_page()
        page.set_default_timeout(20_000)
        watch = Watch(self.origin)
        watch.keep(page)
        _WATCHES[page] = watch
        try:
            await page.goto(f"{self.origin}{path}")
            yield page
        finally:
            del _WATCHES[page]
            await opened.close()
        wrong = sorted({one[:300] for one in watch.wrong if not any(word in one for word in forgives)})
        assert not watch.elsewhere, f"other origins were asked: {watch.elsewhere}"
        assert not wrong, f"the page told of {wrong}"


_WATCHES: dict[Page, Watch] = {}


def watch_of(page: Page) -> Watch:
    return _WATCHES[page]


async def log_in(page: Page, key: str = KEY) -> None:
    """Type a key where it is asked for."""
    await page.fill("#key", key)
    await page.click("main button")


async def logged_in(browser: Browser, service: Darkroom, key: str = KEY) -> Visitor:
    """Somebody whose browser has logged in already."""
    async with Visitor(browser, service.url).visit("/login?next=/ops") as page:
        await log_in(page, key)
        await page.wait_for_url("**/ops")
        return Visitor(browser, service.url, await page.context.storage_state())


async def settled(page: Page) -> None:
    """Wait until the wall is laid out."""
    await page.wait_for_selector(".wall.placed .tile")


async def shown(page: Page) -> list[str]:
    """The images that are drawn, in their order."""
    found: list[str] = await page.eval_on_selector_all(".wall .tile", "all => all.map((one) => one.dataset.id)")
    return found


def path_of(page: Page) -> str:
    """Where the page is, without its origin."""
    parts = urlsplit(page.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

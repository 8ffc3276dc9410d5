"""A hundred thousand images in a real browser: as quick as a few, and no heavier however far somebody scrolls.

The bounds are generous; the times that are printed are what to look at.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.browser.gallery import serving
from tests.browser.visit import Visitor, logged_in, settled, shown, watch_of
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

IMAGES = 100_000
PAGES, A_PAGE = 30, 60
MOST_DRAWN = 400
MOST_LISTED = 200
DAY = "2025-03-14"
PAINTED_MS, FOUND_S, JUMPED_S, SCROLLED_S, BACK_S = 15_000, 15, 15, 150, 10

NO_BYTES = "Failed to load resource"
"""There is nothing that thumbnails could be made of."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Darkroom]:
    folder = tmp_path_factory.mktemp("many")
    put(folder, IMAGES)
    async with serving(folder, authority) as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(many: Darkroom, chromium: Browser) -> Visitor:
    return await logged_in(chromium, many)


def put(folder: Path, images: int) -> None:
    """Put so many images into a service's catalog, or more into one that has some."""
    database = folder / "data" / "darkroom.db"
    command = [sys.executable, "-m", "tests.benchmarks.wall", str(database), str(images)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr


def told(what: str, seconds: float) -> None:
    print(f"{what}: {1000 * seconds:.0f} ms")


async def in_sight(page: Page) -> list[str]:
    """The images that are seen whole."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll(".tile")].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.top >= document.querySelector(".top").offsetHeight && box.bottom <= innerHeight;
        }).map((one) => one.dataset.id)"""
    )
    return found


async def eventually_in_sight(page: Page, images: list[str]) -> None:
    """A page comes before the place on it: the tiles are there a moment before they are where they were."""
    until = time.monotonic() + BACK_S
    while (seen := await in_sight(page)) != images and time.monotonic() < until:
        await page.wait_for_timeout(50)
    assert seen == images


async def drawn(page: Page) -> int:
    return await page.locator(".wall .tile").count()


async def test_the_first_images_are_painted_soon(visitor: Visitor) -> None:
    async with visitor.visit(forgives=[NO_BYTES]) as page:
        await settled(page)
        painted = await page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
        told("first paint", painted / 1000)
        assert painted < PAINTED_MS
        assert await drawn(page) < MOST_DRAWN


async def test_scrolling_on_and_on_keeps_the_page_as_light_as_it_was(visitor: Visitor) -> None:
    async with visitor.visit(forgives=[NO_BYTES]) as page:
        await settled(page)
        most, began = 0, time.monotonic()
        await page.mouse.move(700, 500)
        while len(watch_of(page).to("/wall")) < PAGES:
            await page.mouse.wheel(0, 2500)
            await page.wait_for_timeout(50)
            most = max(most, await drawn(page))
            assert time.monotonic() - began < SCROLLED_S
        told(f"{PAGES} pages, at most {most} tiles at once", time.monotonic() - began)
        assert most < MOST_DRAWN
        assert len(set(await shown(page))) == await drawn(page), "no image stands there twice"


async def test_a_day_is_jumped_to_and_stays_in_sight_while_what_is_newer_is_put_before_it(
    many: Darkroom, visitor: Visitor
) -> None:
    async with visitor.visit(forgives=[NO_BYTES]) as page:
        await settled(page)
        newest, began = (await shown(page))[0], time.monotonic()
        await page.fill("#day", DAY)
        await page.wait_for_function("id => document.querySelector('.tile')?.dataset.id !== id", arg=newest)
        told("jump to a day", time.monotonic() - began)
        assert time.monotonic() - began < JUMPED_S
        await page.wait_for_timeout(1500)
        assert any("newer=true" in query for query in watch_of(page).to("/wall"))
        seen = await in_sight(page)
        days = [(await many.api.get(f"/v1/assets/{image}"))["archived_at"][:10] for image in seen]
        assert DAY in days
        assert days == sorted(days, reverse=True)


async def test_who_reloads_or_comes_back_is_where_they_were(visitor: Visitor) -> None:
    async with visitor.visit(forgives=[NO_BYTES]) as page:
        await settled(page)
        await page.mouse.move(700, 500)
        while len(watch_of(page).to("/wall")) < 5:
            await page.mouse.wheel(0, 2500)
            await page.wait_for_timeout(50)
        await page.wait_for_timeout(600)  # the wheel has come to rest, and the place was kept
        seen = await in_sight(page)
        await page.locator(f".tile[data-id='{seen[1]}'] .pick input").check()
        await page.wait_for_function("() => history.state.picked.length === 1")
        await page.reload()
        await eventually_in_sight(page, seen)
        await page.goto(f"{visitor.origin}/ops")
        await page.go_back()
        await eventually_in_sight(page, seen)
        assert await page.locator(f".tile[data-id='{seen[1]}'] .pick input").is_checked()


async def test_words_are_found_among_all_of_them_soon(visitor: Visitor) -> None:
    async with visitor.visit(forgives=[NO_BYTES]) as page:
        await settled(page)
        for words in ("number 4711", "日落", "lighthouse fog"):
            newest, began = (await shown(page))[0], time.monotonic()
            await page.fill("#q", words)
            await page.wait_for_function("id => document.querySelector('.tile')?.dataset.id !== id", arg=newest)
            told(f"search for {words}", time.monotonic() - began)
            assert time.monotonic() - began < FOUND_S


async def test_of_more_new_images_than_a_page_has_none_is_missing(many: Darkroom, visitor: Visitor) -> None:
    async with visitor.visit(size=(1600, 3000), forgives=[NO_BYTES]) as page:
        await settled(page)
        await page.wait_for_timeout(1500)  # it has heard what is there
        put(many.folder, 150)
        await page.wait_for_selector(".tile[data-id='task-now-0149.0']")
        await page.wait_for_function(
            "number => document.querySelectorAll('.tile').length > number", arg=A_PAGE, timeout=10_000
        )
        seen = await shown(page)
        listed = await many.api.get("/v1/assets", limit=MOST_LISTED)
        assert len(seen) > A_PAGE
        assert seen[:MOST_LISTED] == [one["id"] for one in listed["items"]][: len(seen)]

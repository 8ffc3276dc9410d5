"""New images in an open page: they come by themselves where somebody waits for them, and push nobody aside."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import Gallery, standing
from tests.browser.visit import Visitor, logged_in, settled, shown, watch_of
from tests.system.support.authority import Authority

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

PILL = ".fresh:not([hidden])"
STOPS_WITHIN = 10.0
LOW = (1000, 420)
"""A window that the wall is higher than."""


async def listening(page: Page) -> None:
    """Wait until the page hears of what changes."""
    await settled(page)
    await page.wait_for_timeout(1500)  # a look at the database, and what it told


async def place_of(page: Page, image: str) -> float:
    box = await page.locator(f".tile[data-id='{image}']").bounding_box()
    assert box is not None
    return box["y"]


async def test_who_looks_at_the_beginning_sees_a_new_image_at_once_and_keeps_the_focus(
    gallery: Gallery, visitor: Visitor
) -> None:
    async with visitor.visit() as page:
        await listening(page)
        await page.keyboard.press("ArrowRight")
        focused = (await shown(page))[0]
        [task_id] = await gallery.add("a new image for who waits")
        await page.wait_for_selector(f".tile[data-id='{task_id}.0']")
        assert (await shown(page))[:2] == [f"{task_id}.0", focused]
        assert await page.evaluate("() => document.activeElement.closest('.tile')?.dataset.id") == focused
        assert len(watch_of(page).to("/")) == 1, "the page was not loaded again"
        await page.keyboard.press("ArrowLeft")
        assert await page.evaluate("() => document.activeElement.closest('.tile')?.dataset.id") == f"{task_id}.0"


async def test_who_looks_further_down_is_told_and_not_moved(gallery: Gallery, visitor: Visitor) -> None:
    async with visitor.visit(size=LOW) as page:
        await listening(page)
        await page.mouse.wheel(0, 900)
        await page.wait_for_function("() => scrollY > 500")
        looked_at = (await shown(page))[-1]
        before = await place_of(page, looked_at)
        [task_id] = await gallery.add("a new image for who is busy")
        await page.wait_for_selector(PILL)
        assert await page.inner_text(PILL) == "1 new image"
        assert await place_of(page, looked_at) == pytest.approx(before, abs=1)
        await page.click(PILL)
        await page.wait_for_selector(f".tile[data-id='{task_id}.0']")
        assert await page.evaluate("() => scrollY") == 0
        assert await page.locator(PILL).count() == 0


async def test_where_a_filter_is_set_only_what_it_finds_is_told_of(gallery: Gallery, visitor: Visitor) -> None:
    async with visitor.visit("/?q=harbour") as page:
        await page.wait_for_selector(".nothing:not([hidden])")
        await page.wait_for_timeout(1500)
        await gallery.add("a mountain")
        await gallery.add("a harbour at noon")
        await page.wait_for_selector(PILL)
        assert await page.inner_text(PILL) == "1 new image"
        await page.click(PILL)
        await settled(page)
        assert len(await shown(page)) == 1


async def test_the_figures_of_operations_move_by_themselves(gallery: Gallery, visitor: Visitor) -> None:
    async with visitor.visit("/ops") as page:
        await page.wait_for_selector("#alive:not([hidden])")
        before = int(await page.inner_text("[data-figure=archived]"))
        await gallery.add("another image", n=2)
        await page.wait_for_function(
            "number => document.querySelector('[data-figure=archived]').textContent === String(number)", arg=before + 2
        )


async def test_a_page_that_nobody_looks_at_listens_to_nothing(visitor: Visitor) -> None:
    async with visitor.visit("/ops") as page:
        await page.wait_for_selector("#alive:not([hidden])")
        hidden = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});"
        tell = "document.dispatchEvent(new Event('visibilitychange'));"
        async with page.expect_event("requestfailed", lambda request: request.url.endswith("/live")):
            await page.evaluate(f"() => {{ {hidden.format('true')} {tell} }}")
        async with page.expect_request("**/live"):
            await page.evaluate(f"() => {{ {hidden.format('false')} {tell} }}")


async def test_an_open_page_holds_up_no_restart_and_goes_on_after_it(
    chromium: Browser, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with standing(tmp_path_factory.mktemp("restarted"), authority) as gallery:
        await gallery.add("before the restart")
        visitor = await logged_in(chromium, gallery.service)
        async with visitor.visit(forgives=["ERR_"]) as page:
            await listening(page)
            loaded, began = len(watch_of(page).to("/")), time.monotonic()
            assert await gallery.service.stop() == 0
            assert time.monotonic() - began < STOPS_WITHIN, "who listens holds nothing up"
            await gallery.service.start()
            [task_id] = await gallery.add("the first after a restart")
            await page.wait_for_selector(f".tile[data-id='{task_id}.0']", timeout=40_000)
            assert len(watch_of(page).to("/")) == loaded

"""The gallery without a mouse: everything is reached, the focus is seen, and comes back to where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.visit import Visitor, path_of, settled, shown

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def focused(page: Page) -> str | None:
    """The image whose tile has the focus."""
    found: str | None = await page.evaluate("() => document.activeElement.closest('.tile')?.dataset.id ?? null")
    return found


async def test_the_first_tab_offers_to_skip_what_is_on_every_page(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        await page.keyboard.press("Tab")
        assert await page.evaluate("() => document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        await page.wait_for_function("() => document.activeElement.id === 'main'")
        for _ in range(20):
            await page.keyboard.press("Tab")
            if await focused(page):
                break
        assert await focused(page) == (await shown(page))[0]


async def test_arrows_go_through_the_wall_and_enter_and_escape_through_the_panel(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        images = await shown(page)
        went = []
        for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "Home", "j"):
            await page.keyboard.press(key)
            went.append(await focused(page))
        assert went == [images[number] for number in (0, 1, 2, 1, 0, 1)]
        above = await page.locator(f".tile[data-id='{images[1]}']").bounding_box()
        await page.keyboard.press("ArrowDown")
        below = await page.locator(f".tile[data-id='{await focused(page)}']").bounding_box()
        assert above is not None
        assert below is not None
        assert below["y"] > above["y"]
        await page.keyboard.press("ArrowUp")
        assert await focused(page) == images[1]
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f".panel article[data-id='{images[1]}']")
        assert await page.evaluate("() => document.activeElement.className") == "close"
        await page.keyboard.press("ArrowRight")
        await page.wait_for_selector(f".panel article[data-id='{images[2]}']")
        await page.keyboard.press("ArrowDown")
        await page.wait_for_selector(f".panel article:not([data-id='{images[2]}'])")
        assert await page.locator(".panel article").get_attribute("data-id") == await focused(page)
        await page.keyboard.press("ArrowUp")
        await page.wait_for_selector(f".panel article[data-id='{images[2]}']")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#panel", state="hidden")
        assert await focused(page) == images[2]
        assert path_of(page) == "/"


async def test_the_end_of_the_wall_is_one_key_away_and_the_focus_is_in_sight(visitor: Visitor) -> None:
    async with visitor.visit(size=(800, 500)) as page:
        await settled(page)
        await page.keyboard.press("End")
        box = await page.evaluate("() => document.activeElement.getBoundingClientRect().toJSON()")
        head = await page.evaluate("() => document.querySelector('.top').getBoundingClientRect().bottom")
        assert head <= box["top"]
        assert box["bottom"] <= 500


async def test_a_slash_leads_to_the_search_and_letters_typed_there_are_words(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        await page.keyboard.press("/")
        assert await page.evaluate("() => document.activeElement.id") == "q"
        await page.keyboard.type("xfox")
        assert await page.locator("#selected").is_hidden()
        assert await page.input_value("#q") == "xfox"
        await page.keyboard.press("Escape")
        assert await page.evaluate("() => document.activeElement.id") != "q"


async def test_x_picks_the_image_that_has_the_focus_however_it_came_there(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        images = await shown(page)
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("x")
        assert await page.locator("#selected").is_visible()
        await page.locator(f".tile[data-id='{images[3]}'] a").focus()
        await page.keyboard.press("x")
        picked = await page.eval_on_selector_all(".pick input:checked", "all => all.map((one) => one.value)")
        assert picked == [images[0], images[3]]


async def test_a_tile_keeps_the_focus_when_the_window_changes_and_when_it_is_scrolled_away(visitor: Visitor) -> None:
    async with visitor.visit(size=(1000, 420)) as page:
        await settled(page)
        await page.keyboard.press("ArrowRight")
        image = await focused(page)
        await page.set_viewport_size({"width": 700, "height": 420})
        assert await focused(page) == image
        await page.mouse.move(400, 300)
        await page.mouse.wheel(0, 5000)
        await page.wait_for_function("() => scrollY > 400")
        assert await focused(page) == image

"""For everybody: no barrier that axe finds in any page, light or dark, and nothing that a phone has no room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.visit import PHONE, Visitor, settled, shown

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = ["/", "/?q=nothing+like+it", "the panel", "the keys", "two images", "/ops", "/login", "/?size=wrong"]
ON_THE_WALL = ("the panel", "the keys", "two images")


async def violations(page: Page) -> list[str]:
    """What axe says against a page, and of what in it."""
    from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # it ships no types

    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": WCAG}}
    found = (await Axe().run(page, options=options)).response["violations"]
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


async def show(page: Page, what: str) -> None:
    """One of ON_THE_WALL."""
    await settled(page)
    match what:
        case "the keys":
            await page.keyboard.press("?")
            await page.wait_for_selector("#keys[open]")
        case "two images":
            first, second = (await shown(page))[:2]
            await page.goto(f"{page.url}compare?a={first}&b={second}")
            await page.wait_for_selector("#stage.movable")
        case _:
            await open_panel(page)


async def open_panel(page: Page) -> None:
    await page.locator(".tile a").nth(3).click()
    await page.wait_for_selector(".panel article")
    for summary in await page.locator(".panel summary").all():
        await summary.click()
    await page.wait_for_selector("details[data-part$='/sidecar'] pre")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_axe_finds_no_barrier(visitor: Visitor, path: str, scheme: Any) -> None:
    forgives = ["400 (Bad Request)"] if "wrong" in path else []
    async with visitor.visit("/" if path in ON_THE_WALL else path, scheme=scheme, forgives=forgives) as page:
        if path in ON_THE_WALL:
            await show(page, path)
        elif path == "/":
            await settled(page)
            await page.wait_for_selector(".facets")
            await page.locator(".tile").first.hover()
            await page.locator(".pick input").first.check()
        found = await violations(page)
        assert not found, "\n".join(found)


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_is_wider_than_a_phone(visitor: Visitor, path: str) -> None:
    forgives = ["400 (Bad Request)"] if "wrong" in path else []
    where = "/" if path in ON_THE_WALL else path
    async with visitor.visit(where, size=PHONE, forgives=forgives, has_touch=True, is_mobile=True) as page:
        if path in ON_THE_WALL:
            await show(page, path)
        width = await page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= PHONE[0]


async def test_where_there_is_room_filters_are_never_folded(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        assert await page.locator("#facets").is_visible()
        assert await page.locator(".bar .narrow").is_hidden()


async def test_on_a_phone_filters_are_folded_and_the_panel_takes_the_whole_width(visitor: Visitor) -> None:
    async with visitor.visit(size=PHONE, has_touch=True, is_mobile=True) as page:
        await settled(page)
        facets, button = page.locator("#facets"), page.locator(".bar .narrow")
        assert await facets.is_hidden()
        await button.tap()
        assert await facets.is_visible()
        assert await button.get_attribute("aria-expanded") == "true"
        await button.tap()
        await page.locator(".tile a").first.tap()
        await page.wait_for_selector(".panel article")
        box = await page.locator("#panel").bounding_box()
        assert box is not None
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, *PHONE)
        for _ in range(12):
            await page.keyboard.press("Tab")
            assert await page.evaluate("() => !document.activeElement.closest('#main, search, .top')"), (
                "it lies under the panel"
            )
        await page.locator(".panel .close").tap()
        await page.wait_for_selector("#panel", state="hidden")


async def test_at_four_times_the_size_everything_is_still_there_without_scrolling_sideways(visitor: Visitor) -> None:
    """As WCAG asks (1.4.10): 1280 pixels at 400 % are 320."""
    for path in ("/", "/ops", "/login"):
        async with visitor.visit(path, size=(320, 256)) as page:
            assert await page.evaluate("() => document.documentElement.scrollWidth") <= 320, path
            await page.evaluate("() => scrollTo(0, 500)")
            head = await page.evaluate("() => document.querySelector('.top').getBoundingClientRect().bottom")
            assert head <= 0 or path == "/login", "little room is not for what stands on every page"


async def test_what_is_touched_is_large_enough(visitor: Visitor) -> None:
    """As WCAG asks (2.5.8): 24 pixels each way, but for links in running text."""
    async with visitor.visit(size=PHONE, has_touch=True, is_mobile=True) as page:
        await settled(page)
        small = await page.eval_on_selector_all(
            "button, select, input, .tile a, .chip, nav a, .brand, .facets a, .statuses a, summary",
            """all => all.filter((one) => one.checkVisibility() && one.type !== "hidden")
              .map((one) => [one.outerHTML.slice(0, 100), (one.closest("label.pick") ?? one).getBoundingClientRect()])
              .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html]) => html)""",
        )
        assert small == []


async def test_who_wants_less_motion_gets_none(visitor: Visitor) -> None:
    async with visitor.visit("/?status=pending", reduced_motion="reduce") as page:
        moving = await page.evaluate("() => document.getAnimations().length")
        assert moving == 0


async def test_the_wall_can_be_read_without_a_script(visitor: Visitor) -> None:
    async with visitor.visit(java_script_enabled=False) as page:
        assert await page.locator(".tile").count() > 10
        await page.locator(".tile a").first.click()
        await page.wait_for_selector(".panel article")

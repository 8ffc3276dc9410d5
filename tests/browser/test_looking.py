"""Looking at the gallery in a real browser: finding, opening, downloading, going back, and coming again."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import EACH, PROMPTS, Gallery
from tests.browser.visit import PHONE, Visitor, log_in, logged_in, path_of, settled, shown, watch_of

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

STROKE = """({ from, to }) => {
  const target = document.querySelector(".panel .picture");
  const tell = (kind, clientX, lies) => {
    const touch = new Touch({ identifier: 1, target, clientX, clientY: 300 });
    const touches = lies ? [touch] : [];
    target.dispatchEvent(new TouchEvent(kind, { bubbles: true, touches, changedTouches: [touch] }));
  };
  tell("touchstart", from, true);
  tell("touchend", to, false);
}"""

LIGHTHOUSES = 2
"""Prompts with a lighthouse in Chinese."""


async def until_shown(page: Page, number: int) -> None:
    await page.wait_for_function("number => document.querySelectorAll('.wall .tile').length === number", arg=number)


async def test_a_key_that_is_typed_once_opens_the_gallery(gallery: Gallery, chromium: Browser) -> None:
    wrong = "403 (Forbidden)"
    async with Visitor(chromium, gallery.service.url).visit("/?sort=oldest", forgives=[wrong]) as page:
        assert path_of(page).startswith("/login")
        await log_in(page, "no key of ours")
        await page.wait_for_selector("#wrong")
        assert await page.locator("#key").get_attribute("aria-describedby") == "hint wrong"
        await log_in(page)
        await settled(page)
        assert path_of(page) == "/?sort=oldest"
        await page.reload()
        await settled(page)
        for cookie in await page.context.cookies():
            if cookie["name"] != "darkroom_language":
                assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


async def test_words_are_found_while_they_are_typed(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        await page.locator("#q").press_sequentially("灯塔")
        await until_shown(page, LIGHTHOUSES * EACH)
        assert {await one.get_attribute("alt") for one in await page.locator(".tile img").all()} == {
            PROMPTS[1],
            PROMPTS[3],
        }
        await page.fill("#q", "bicy")
        await until_shown(page, EACH)
        await page.fill("#q", "nothing like it")
        await page.wait_for_selector(".nothing:not([hidden])")
        await page.fill("#q", "")
        await page.wait_for_function("() => document.querySelector('.nothing').hidden")


async def test_what_is_still_being_composed_is_not_searched_for(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        await page.focus("#q")
        keys = await page.context.new_cdp_session(page)
        for typed in ("d", "de", "deng", "dengta"):
            await keys.send(
                "Input.imeSetComposition", {"text": typed, "selectionStart": len(typed), "selectionEnd": len(typed)}
            )
            await page.wait_for_timeout(250)  # longer than what is typed rests
        await keys.send("Input.insertText", {"text": "灯塔"})
        await until_shown(page, LIGHTHOUSES * EACH)
        assert {query for query in watch_of(page).to("/") if "q=" in query} == {"q=%E7%81%AF%E5%A1%94"}


async def test_an_image_opens_beside_the_wall_and_is_downloaded_as_it_was_archived(
    gallery: Gallery, visitor: Visitor, tmp_path: Path
) -> None:
    async with visitor.visit() as page:
        await settled(page)
        tile = page.locator(".tile").nth(4)
        image = await tile.get_attribute("data-id")
        assert image is not None
        await tile.locator("a").click()
        await page.wait_for_selector(f".panel article[data-id='{image}']")
        assert path_of(page) == f"/images/{image}"
        assert await tile.is_visible(), "the wall stays"
        async with page.expect_download() as coming:
            await page.click(".panel a[download]")
        saved = tmp_path / "saved"
        await (await coming.value).save_as(saved)
        asset = await gallery.service.api.get(f"/v1/assets/{image}")
        assert hashlib.sha256(saved.read_bytes()).hexdigest() == asset["sha256"]
        assert saved.read_bytes() == gallery.service.archive.bytes_of(asset["object_key"])


async def test_what_is_unfolded_in_the_panel_comes_when_it_is_unfolded(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        await page.locator(".tile a").first.click()
        sidecar = page.locator("details[data-part$='/sidecar']")
        assert not any(one.endswith("/sidecar") for one in watch_of(page).asked)
        await sidecar.locator("summary").click()
        await page.wait_for_selector("details[data-part$='/sidecar'] pre")
        assert '"darkroom/task/' in await sidecar.inner_text()


async def test_back_and_forward_lead_where_one_was(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        titles = [await page.title()]
        image = (await shown(page))[2]
        await page.click(f".tile[data-id='{image}'] a")
        await page.wait_for_selector(".panel article")
        titles.append(await page.title())
        await page.go_back()
        await page.wait_for_selector("#panel", state="hidden")
        assert (path_of(page), await page.title()) == ("/", titles[0])
        await page.go_forward()
        await page.wait_for_selector(f".panel article[data-id='{image}']")
        assert (path_of(page), await page.title()) == (f"/images/{image}", titles[1])
        await page.click(".panel .close")
        await page.click(".statuses a[href*='dead']")
        await page.wait_for_selector(".nothing:not([hidden])")
        await page.go_back()
        await page.wait_for_selector(".tile")
        assert path_of(page) == "/"


async def test_an_address_of_an_image_opens_it_on_the_wall(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        image = (await shown(page))[5]
    async with visitor.visit(f"/images/{image}") as page:
        await settled(page)
        assert await page.locator(".panel article").get_attribute("data-id") == image
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#panel", state="hidden")
        assert path_of(page) == "/"


async def test_of_images_that_are_opened_one_after_the_other_the_last_is_shown(visitor: Visitor) -> None:
    """Also where the answer for an earlier one comes later."""
    async with visitor.visit() as page:
        await settled(page)
        first, second = (await shown(page))[:2]

        async def later(route: object) -> None:
            await page.wait_for_timeout(800)
            await route.continue_()  # type: ignore[attr-defined]

        await page.route(re.compile(f"/images/{re.escape(first)}/panel"), later)
        await page.click(f".tile[data-id='{first}'] a")
        await page.click(f".tile[data-id='{second}'] a")
        await page.wait_for_selector(f".panel article[data-id='{second}']")
        await page.wait_for_timeout(1200)  # by now the other one has come
        assert await page.locator(".panel article").get_attribute("data-id") == second
        assert path_of(page) == f"/images/{second}"


async def test_when_the_session_ends_one_logs_in_again_and_is_back(gallery: Gallery, chromium: Browser) -> None:
    key_id, secret = await gallery.key("read")
    visitor = await logged_in(chromium, gallery.service, secret)
    async with visitor.visit("/?q=fox", forgives=["401 (Unauthorized)"]) as page:
        await settled(page)
        assert (await gallery.service.api.client.delete(f"/v1/keys/{key_id}")).status_code == 204
        await page.locator(".tile a").first.click()
        await page.wait_for_selector("#key")
        await log_in(page)
        await settled(page)
        assert path_of(page) == "/?q=fox"


async def test_logging_out_ends_it(gallery: Gallery, chromium: Browser) -> None:
    visitor = await logged_in(chromium, gallery.service)
    async with visitor.visit() as page:
        await page.click("form[action='/logout'] button")
        await page.wait_for_selector("#key")
        await page.goto(f"{gallery.service.url}/ops")
        assert path_of(page) == "/login?next=%2Fops"


async def test_another_language_is_spoken_from_now_on(visitor: Visitor) -> None:
    async with visitor.visit("/ops") as page:
        await page.select_option("#language", "ja")
        await page.click(".language button")
        await page.wait_for_selector("html[lang=ja]")
        assert path_of(page) == "/ops"
        await page.reload()
        assert await page.locator("html").get_attribute("lang") == "ja"


@pytest.mark.parametrize("path", ["/", "/ops"])
async def test_in_the_dark_the_page_is_dark(visitor: Visitor, path: str) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        async with visitor.visit(path, scheme=scheme) as page:
            colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            seen[scheme] = sum(int(one) for one in re.findall(r"\d+", colour)[:3])
    assert seen["dark"] < 150 < 600 < seen["light"]


async def test_what_is_asked_of_a_service_that_is_away_is_told_and_works_again_later(visitor: Visitor) -> None:
    async with visitor.visit(forgives=["ERR_INTERNET_DISCONNECTED"]) as page:
        await settled(page)
        await page.context.set_offline(True)
        await page.locator(".tile a").first.click()
        await page.wait_for_function("() => document.getElementById('told').textContent.includes('cannot be reached')")
        await page.context.set_offline(False)
        await page.locator(".tile a").first.click()
        await page.wait_for_selector("#panel article")


async def test_who_goes_back_to_an_image_sees_it_among_those_that_were_around_it(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        number = len(await shown(page))
        await page.locator(".tile a").first.click()
        await page.wait_for_selector("#panel article")
        opened = path_of(page)
        await page.locator("#facets a", has_text="Deleted").click()
        await until_shown(page, 0)
        assert path_of(page) == f"{opened}?status=deleted"
        await page.go_back()
        await until_shown(page, number)
        assert path_of(page).removesuffix("?") == opened


async def test_a_day_is_the_same_one_in_every_time_zone(visitor: Visitor) -> None:
    async with visitor.visit("/ops", timezone_id="America/Los_Angeles") as page:
        await page.wait_for_selector("time[datetime][title]")
        days = page.locator(".axis time:not([datetime*='T'])")
        said, meant = await days.last.text_content(), await days.last.get_attribute("datetime")
        assert said is not None
        assert meant is not None
        assert re.fullmatch(rf"\w+ {int(meant[-2:])}, {meant[:4]}", said)


async def test_the_statuses_have_a_heading_of_their_own(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        assert await page.get_by_role("list", name="Status").get_by_role("link").count() == 4


async def test_on_a_phone_the_next_image_is_a_button_or_a_stroke_away(gallery: Gallery, chromium: Browser) -> None:
    visitor = await logged_in(chromium, gallery.service)
    async with visitor.visit(size=PHONE, has_touch=True) as page:
        await settled(page)
        images = await shown(page)
        await page.locator(f".tile[data-id='{images[0]}'] a").click()
        for button, image in (("Next image", 1), ("Next image", 2), ("Image before", 1)):
            await page.get_by_role("button", name=button).click()
            await page.wait_for_selector(f".panel article[data-id='{images[image]}']")
            assert path_of(page) == f"/images/{images[image]}"
            focused = await page.evaluate("() => document.activeElement.querySelector('.unseen').textContent")
            assert focused == button
        await page.evaluate(STROKE, {"from": 300, "to": 100})
        await page.wait_for_selector(f".panel article[data-id='{images[2]}']")
        await page.evaluate(STROKE, {"from": 100, "to": 300})
        await page.wait_for_selector(f".panel article[data-id='{images[1]}']")


async def test_scripts_that_come_late_break_no_rule_of_the_page(visitor: Visitor) -> None:
    """What one of them has styled by then is copied by the next."""
    async with visitor.visit("/ops") as page:

        async def late(route: Route) -> None:
            await asyncio.sleep(0.5)
            await route.continue_()

        await page.route("**/wall.js*", late)
        await page.goto(f"{visitor.origin}/")
        await settled(page)
        assert await page.locator(".tile").first.evaluate("one => one.style.backgroundColor")


async def test_what_takes_long_to_come_is_seen_to_be_waited_for(visitor: Visitor) -> None:
    async with visitor.visit() as page:
        await settled(page)
        held = asyncio.Event()

        async def hold(route: Route) -> None:
            await held.wait()
            await route.continue_()

        await page.route("**/?q=*", hold)
        await page.fill("#q", "fox")
        await page.wait_for_selector("html.busy")
        held.set()
        await until_shown(page, EACH)
        await page.wait_for_selector("html:not(.busy)")

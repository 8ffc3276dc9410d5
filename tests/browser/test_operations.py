"""The page of operations in a real browser: what was given up is tried again, and the inbox shows what came."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.browser.gallery import serving
from tests.browser.visit import PHONE, Visitor, logged_in
from tests.system.support.answers import whole
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

LARGE, SMALL = a_picture("large", side=120), a_picture("small", side=40)
MOST_BYTES = "16 KiB"


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that believes callbacks, and where its images come from."""

    service: Darkroom
    host: ImageHost

    async def complete(self, link: str) -> str:
        task_id = new_task_id()
        url = await self.service.api.mint()
        await call_back(self.service.api.client, url, task_object(task_id, links=[link]))
        return task_id

    async def until(self, task_id: str, status: str) -> None:
        async def look() -> bool | None:
            return (await self.service.api.get(f"/v1/assets/{task_id}.0"))["status"] == status or None

        await eventually(look, what=f"the image of {task_id} is {status}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    host = ImageHost(tls=authority.server_tls())
    await host.open()
    async with serving(tmp_path_factory.mktemp("stage"), authority, DOWNLOAD__MAX_BYTES=MOST_BYTES) as service:
        yield Stage(service, host)
    await host.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(stage: Stage, chromium: Browser) -> Visitor:
    return await logged_in(chromium, stage.service)


async def test_an_image_that_was_given_up_is_tried_again_and_comes(stage: Stage, visitor: Visitor) -> None:
    task_id = await stage.complete(stage.host.put(whole(LARGE), whole(SMALL)))
    await stage.until(task_id, "dead")
    async with visitor.visit("/ops") as page:
        row = page.locator("#dead tr", has_text=task_id)
        assert "larger than allowed" in await row.inner_text()
        await row.locator("button").click()
        await row.wait_for(state="detached")
        assert await page.inner_text("#told")
        await stage.until(task_id, "archived")
        await page.reload()
        assert await page.locator("#dead tr", has_text=task_id).count() == 0
    asset = await stage.service.api.get(f"/v1/assets/{task_id}.0")
    assert asset["sha256"] == SMALL.sha256
    assert hashlib.sha256(stage.service.archive.bytes_of(asset["object_key"])).hexdigest() == SMALL.sha256
    [entry] = (await stage.service.api.get("/v1/audit", action="task.retried"))["items"]
    assert (entry["actor"]["name"], entry["subject"]) == ("tests", task_id)


async def test_an_image_that_was_given_up_is_tried_again_from_its_panel_too(stage: Stage, visitor: Visitor) -> None:
    task_id = await stage.complete(stage.host.put(whole(LARGE), whole(SMALL)))
    await stage.until(task_id, "dead")
    async with visitor.visit(f"/images/{task_id}.0?status=dead") as page:
        await page.click(".panel [data-do=retry]")
        await stage.until(task_id, "archived")


async def test_the_inbox_shows_what_came_as_it_came(stage: Stage, visitor: Visitor) -> None:
    url = await stage.service.api.mint()
    bites = b'{"id": "<script>alert(1)</script>", "status": "completed", "n": '
    assert (await call_back(stage.service.api.client, url, bites)).status_code == 422
    async with visitor.visit("/ops?verdict=unreadable") as page:
        await page.locator("#inbox .raw summary").first.click()
        await page.wait_for_selector("#inbox .raw pre")
        shown = await page.locator("#inbox .raw pre").first.inner_text()
        assert bites.decode() in shown
        assert await page.evaluate("() => document.querySelector('.raw pre').tabIndex") == 0


async def test_what_a_replay_would_do_is_told_before_it_is_done(stage: Stage, visitor: Visitor) -> None:
    await stage.until(await stage.complete(stage.host.put(whole(SMALL))), "archived")
    async with visitor.visit("/ops") as page:
        assert await page.locator("#replay").is_hidden()
        await page.click("#foresee")
        await page.wait_for_selector("#replay:not([hidden])")
        assert any(letter.isdigit() for letter in await page.inner_text("#replayed"))
        assert (await stage.service.api.get("/v1/audit", action="callbacks.replayed"))["items"] == []
        await page.fill("#inbox [name=task_id]", "task-other")
        assert await page.locator("#replay").is_hidden(), "it was told of something else"
        await page.fill("#inbox [name=task_id]", "")
        await page.click("#foresee")
        await page.click("#replay")
        await page.wait_for_function("() => /\\d/.test(document.getElementById('replayed').textContent)")
    assert len((await stage.service.api.get("/v1/audit", action="callbacks.replayed"))["items"]) == 1


async def test_who_may_only_look_is_offered_nothing_else(stage: Stage, chromium: Browser) -> None:
    made = await stage.service.api.client.post("/v1/keys", json={"name": "looker", "scopes": ["read"]})
    visitor = await logged_in(chromium, stage.service, made.json()["key"])
    async with visitor.visit("/ops") as page:
        assert await page.locator("[data-do=retry], #foresee, .raw").count() == 0


async def test_the_inbox_can_be_read_on_a_phone(stage: Stage, chromium: Browser) -> None:
    visitor = await logged_in(chromium, stage.service)
    async with visitor.visit("/ops", size=PHONE) as page:
        broken = """() => [...document.querySelectorAll("#inbox th")].filter((one) => {
          const words = document.createRange();
          words.selectNodeContents(one);
          return words.getClientRects().length > one.textContent.split(" ").length;
        }).map((one) => one.textContent)"""
        assert await page.evaluate(broken) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def test_a_page_whose_figures_stand_still_says_since_when(stage: Stage, chromium: Browser) -> None:
    visitor = await logged_in(chromium, stage.service)
    async with visitor.visit("/login", forgives=["net::ERR"]) as page:
        await page.route("**/live", lambda route: route.abort())
        await page.goto(f"{visitor.origin}/ops")
        await page.wait_for_function("() => document.getElementById('alive').textContent.startsWith('not live since')")
        await page.unroute("**/live")
        await page.wait_for_function("() => document.getElementById('alive').textContent === 'live'")

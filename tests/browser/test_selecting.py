"""Picking images in a real browser: to compare two, to take some away, to give them a tag, to delete them."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import Gallery
from tests.browser.visit import Visitor, path_of, settled

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Page

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def pick(page: Page, *images: str) -> None:
    for image in images:
        await page.locator(f".tile[data-id='{image}'] .pick input").check()


async def press(page: Page, text: str) -> None:
    await page.locator("#selected").get_by_role("button", name=text, exact=True).click()


async def test_two_images_are_compared_side_by_side_and_one_over_the_other(gallery: Gallery, visitor: Visitor) -> None:
    [task_id] = await gallery.add("two mills to compare", n=2)
    async with visitor.visit(f"/?task_id={task_id}") as page:
        await settled(page)
        await pick(page, f"{task_id}.0", f"{task_id}.1")
        await press(page, "Compare")
        await page.wait_for_selector("#stage.movable")
        assert path_of(page) == f"/compare?a={task_id}.0&b={task_id}.1"
        panes = page.locator(".stage .frame")
        boxes = [await one.bounding_box() for one in await panes.all()]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
        await page.get_by_label("One over the other").check()
        split = page.get_by_role("slider")
        await split.focus()
        before = await panes.nth(1).evaluate("one => one.style.clipPath")
        await page.keyboard.press("ArrowRight")
        assert await panes.nth(1).evaluate("one => one.style.clipPath") != before
        await page.reload()
        assert await page.get_by_label("One over the other").is_checked(), "the address tells of it"
        assert await page.get_by_text("two mills to compare").count() > 0


async def test_what_is_selected_is_exported_as_it_was_archived(
    gallery: Gallery, visitor: Visitor, tmp_path: Path
) -> None:
    [task_id] = await gallery.add("two mills to take away", n=2)
    async with visitor.visit(f"/?task_id={task_id}") as page:
        await settled(page)
        await pick(page, f"{task_id}.0")
        async with page.expect_download() as begun:
            await page.locator("#selected").get_by_role("button", name="Export").click()
        await (await begun.value).save_as(tmp_path / "some.zip")
    with zipfile.ZipFile(tmp_path / "some.zip") as found:
        [image] = [name for name in found.namelist() if Path(name).name.startswith("0-")]
        assert not [name for name in found.namelist() if Path(name).name.startswith("1-")]
        digest = hashlib.sha256(found.read(image)).hexdigest()
    assert digest == hashlib.sha256(await gallery.archived(task_id)).hexdigest()


async def test_what_is_selected_gets_a_tag_and_is_found_by_it(gallery: Gallery, visitor: Visitor) -> None:
    tasks = await gallery.add("a mill to tag", "another mill to tag")
    async with visitor.visit("/?q=mill+tag") as page:
        await settled(page)
        await pick(page, *(f"{task_id}.0" for task_id in tasks))
        await press(page, "Tag")
        await page.get_by_label("Name").fill("shelf")
        await page.get_by_label("Value").fill("west")
        await page.get_by_role("button", name="Set tag").click()
        await page.wait_for_function("() => document.getElementById('told').textContent.includes('2 tasks')")
        await page.goto(f"{visitor.origin}/?tag=shelf:west")
        await settled(page)
        assert await page.locator(".tile").count() == len(tasks)
    for task_id in tasks:
        assert (await gallery.service.api.get(f"/v1/tasks/{task_id}"))["tags"] == {"shelf": "west"}


async def test_what_is_selected_is_deleted_once_somebody_said_so(gallery: Gallery, visitor: Visitor) -> None:
    [task_id] = await gallery.add("three mills to delete", n=3)
    asked: list[str] = []

    async def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    async with visitor.visit(f"/?task_id={task_id}") as page:
        await settled(page)
        await page.keyboard.press("a")
        page.once("dialog", refuse)
        await press(page, "Delete")
        assert await page.locator(".tile").count() == 3
        page.once("dialog", lambda dialog: dialog.accept())
        await press(page, "Delete")
        await page.wait_for_function("() => !document.querySelector('.tile')")
    assert asked == ["Delete 3 images for good? Nothing brings them back."]
    task = await gallery.service.api.get(f"/v1/tasks/{task_id}")
    assert [one["status"] for one in task["assets"]] == ["deleted"] * 3

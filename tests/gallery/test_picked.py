"""What was picked on the wall, as a ZIP."""

import io
import zipfile
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.app import House
from tests.support.deliveries import TASK, task_object
from tests.support.pages import Browser, browsing

LONGEST_ID = "task-" + "x" * 123
OTHER = "task-of-somebody-else"


@pytest_asyncio.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    for task_id in (TASK, OTHER):
        links = [f"https://files.evolink.ai/{task_id}/{number}.png" for number in range(2)]
        await house.call_back(task_object(task_id=task_id, results=links))
    await house.archive()
    async with browsing(house, "key-read") as one:
        yield one


def images_in(answer: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(answer)) as found:
        return {
            name.split("/")[-2] + "/" + name.split("/")[-1][0]
            for name in found.namelist()
            if "-" in name.split("/")[-1]
        }


async def test_the_images_that_a_form_names_come_and_no_others(browser: Browser) -> None:
    form = {"write_token": await browser.write_token(), "ids": f"{TASK}.1 {OTHER}.0"}
    answer = await browser.client.post("/export", data=form)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert images_in(answer.content) == {f"{TASK}/1", f"{OTHER}/0"}


async def test_as_many_as_can_be_picked_fit_whatever_they_are_called(browser: Browser) -> None:
    ids = " ".join(f"{LONGEST_ID}.{number}" for number in range(499))
    form = {"write_token": await browser.write_token(), "ids": f"{ids} {TASK}.0"}
    answer = await browser.client.post("/export", data=form)
    assert answer.status_code == 200, answer.text
    assert images_in(answer.content) == {f"{TASK}/0"}


async def test_another_sites_form_gets_nothing(browser: Browser) -> None:
    for token in ({}, {"write_token": ""}, {"write_token": "guessed"}):
        answer = await browser.client.post("/export", data={**token, "ids": f"{TASK}.0"})
        assert answer.status_code == 403
        assert "attachment" not in answer.headers.get("content-disposition", "")


async def test_what_names_no_image_is_said_to(browser: Browser) -> None:
    answer = await browser.client.post("/export", data={"write_token": await browser.write_token(), "ids": "nonsense"})
    assert answer.status_code == 400
    assert "nonsense" in answer.text


async def test_who_is_not_logged_in_is_asked_to_and_led_to_the_wall(house: House) -> None:
    answer = await house.anyone.post("/export", data={"ids": f"{TASK}.0"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2F")

"""Operations: the inbox by its form, what was turned away, and in plain words whether anything is about to be lost."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.app import House, serving
from tests.support.deliveries import TASK, task_object
from tests.support.pages import Browser, browsing

LINK = "https://files.evolink.ai/a/0.png"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with serving(tmp_path, confirm={"mode": "off"}) as one:
        yield one


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    async with browsing(house) as one:
        yield one


def said(page: str) -> list[str]:
    """What is to be read of whether anything is about to be lost."""
    return re.findall(r'<h2 data-when="\w+">([^<]+)</h2>', page)


async def test_fields_that_nobody_filled_in_narrow_nothing(house: House, browser: Browser) -> None:
    await house.call_back({"id": TASK, "status": "processing"})
    await house.call_back(b"not JSON")
    assert TASK in await browser.page("/ops", verdict="", task_id=" ")
    only = await browser.page("/ops", verdict="unreadable", task_id="")
    assert "not readable" in only
    assert TASK not in only
    assert TASK in await browser.page("/ops", verdict="", task_id=TASK)


async def test_what_was_turned_away_is_shown_and_cannot_be_run_again(house: House, browser: Browser) -> None:
    assert (await house.call_back({"id": TASK}, path="/callbacks/evolink/forged")).status_code == 404
    page = await browser.page("/ops", verdict="refused")
    assert "the URL is wrong or has expired" in page
    assert "Replay these" not in page
    assert "Replay these" in await browser.page("/ops")


async def test_an_older_page_of_the_inbox_goes_on_where_the_newest_ends(house: House, browser: Browser) -> None:
    for number in range(25):
        await house.call_back({"id": f"task-{number:03}", "status": "processing"})
    newest = await browser.page("/ops")
    assert "task-024" in newest
    assert "task-004" not in newest
    [following] = [part.split("#")[0] for part in newest.split("/ops?cursor=")[1:]]
    older = await browser.page("/ops", cursor=following)
    assert "task-004" in older
    assert "task-005" not in older


async def test_the_page_says_in_plain_words_whether_anything_is_about_to_be_lost(
    house: House, browser: Browser
) -> None:
    assert said(await browser.page("/ops")) == ["Nothing is about to be lost"]
    way = await house.mint()
    await house.call_back({"id": TASK, "status": "processing"}, path=way)
    assert said(await browser.page("/ops")) == ["Tasks are still at the provider"]
    await house.call_back(task_object(results=[LINK]), path=way)
    assert said(await browser.page("/ops")) == ["Images wait to be fetched"]
    await house.archive()
    assert said(await browser.page("/ops")) == ["Nothing is about to be lost"]


async def test_settings_that_are_weak_are_named_with_what_they_cost(browser: Browser) -> None:
    page = await browser.page("/ops")
    for name in ("DARKROOM_EVOLINK__API_KEY", "DARKROOM_CONFIRM__MODE", "DARKROOM_STORAGE__MIN_FREE_BYTES"):
        assert name in page
    assert "DARKROOM_PUBLIC_URL" not in page, "it is HTTPS"


async def test_who_may_only_look_is_offered_no_replay_no_retry_and_no_raw_body(house: House) -> None:
    await house.call_back(b"not JSON")
    await house.complete(TASK, results=["https://evil.example/x.png"])
    async with browsing(house, "key-read") as browser:
        page = await browser.page("/ops")
    for offered in ("Replay these", 'data-do="retry"', "Raw body"):
        assert offered not in page
    assert "the link leads to a host that is not allowed" in page

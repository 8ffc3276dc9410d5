"""`/compare`: what two images have in common and what not, for who has no script, too."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest
import pytest_asyncio

from tests.support.app import House, serving
from tests.support.pages import browsing

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED, GREY = "task-red.0", "task-grey.0"
TOLD = {
    "task-red": {"prompt": "a red <fox>", "parameters": {"quality": "high", "size": "1:1"}, "tags": {"team": "shop"}},
    "task-grey": {"prompt": "a grey <fox>", "parameters": {"quality": "low", "size": "1:1"}, "tags": {"team": "shop"}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Two tasks, the first with three images, the last of which its provider never shows."""
    async with serving(tmp_path_factory.mktemp("compare")) as opened:
        for task_id, told in TOLD.items():
            assert (await opened.write.post("/v1/tasks", json={"id": task_id, **told})).is_success
        links = [f"https://files.evolink.ai/red/{number}.png" for number in range(2)]
        await opened.complete("task-red", results=[*links, "https://elsewhere.example/red.png"])
        await opened.complete("task-grey", results=["https://files.evolink.ai/grey.png"])
        await opened.archive()
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def browser(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(house, "key-read") as opened:
        yield opened.client


def rows(page: str) -> dict[str, tuple[bool, list[str]]]:
    """The table by the heads of its rows: whether the row says that it differs, and what both images have."""
    found = {}
    for kind, row in re.findall(r'<tr class="(differs|same)">(.*?)</tr>', page, re.DOTALL):
        head, *values = [plain(cell) for cell in re.split(r"</t[hd]>", row)[:3]]
        sign, _, name = head.partition(" ")
        assert (sign, name.rpartition(" (")[2]) == {"differs": ("≠", "differs)"), "same": ("=", "same)")}[kind]
        found[name.rpartition(" (")[0]] = (kind == "differs", values)
    return found


def plain(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", markup)).split())


async def test_what_differs_comes_first_and_is_marked_by_more_than_colour(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/compare", params={"a": RED, "b": GREY})).text
    found = rows(page)
    assert found["Prompt"] == (True, ["a red <fox>", "a grey <fox>"])
    assert found["Parameter quality"] == (True, ["high", "low"])
    assert found["Parameter size"] == (False, ["1:1", "1:1"])
    assert found["Tag team"] == (False, ["shop", "shop"])
    assert found["SHA-256"][0]
    order = [differs for differs, _ in found.values()]
    assert order == sorted(order, reverse=True)
    assert "<mark>red</mark>" in page


async def test_both_images_are_shown_from_here(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/compare", params={"a": RED, "b": GREY})).text
    sources = re.findall(r'<img src="(/images/[^"]+)"', page)
    assert sources == [f"/images/{RED}/original", f"/images/{GREY}/original"]
    for source in sources:
        assert (await browser.get(source)).headers["content-type"] == "image/png"


async def test_an_image_that_is_not_there_is_compared_without_a_picture(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/compare", params={"a": RED, "b": "task-red.2"})).text
    assert re.findall(r'<img src="(/images/[^"]+)"', page) == [f"/images/{RED}/original"]
    assert "Given up" in page
    assert 'id="over"' not in page


@pytest.mark.parametrize("query", [{"a": RED}, {"a": RED, "b": ""}, {"a": RED, "b": RED}])
async def test_one_image_alone_asks_for_another(browser: httpx.AsyncClient, query: dict[str, str]) -> None:
    page = unescape((await browser.get("/compare", params=query)).text)
    assert re.findall(r'href="/compare\?([^"]+)"', page) == [f"a={RED}&b=task-red.1", f"a={RED}&b={GREY}"]


async def test_without_an_image_there_is_the_wall(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/compare")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("query", [{"a": "task-none.0"}, {"a": RED, "b": "nonsense"}, {"a": RED, "b": "task-red.9"}])
async def test_an_image_that_nobody_knows_is_not_found(browser: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await browser.get("/compare", params=query, headers={"Accept-Language": "ja"})
    assert (answer.status_code, "この画像は存在しません。" in answer.text) == (404, True)


async def test_other_parameters_are_refused_by_name(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/compare", params={"a": RED, "c": GREY})
    assert (answer.status_code, "That cannot be shown." in answer.text) == (400, True)
    assert re.search(r'class="detail" lang="en">[^<]*\bc\b', answer.text)


async def test_who_is_not_logged_in_comes_back_to_it(house: House) -> None:
    answer = await house.anyone.get("/compare", params={"a": RED, "b": GREY})
    assert answer.headers["location"] == f"/login?next=%2Fcompare%3Fa%3D{RED}%26b%3D{GREY}"

"""The wall: what a filter finds, in the order of archiving, each image once while others arrive, and days."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from service.gallery.wall import TILES
from tests.support.app import House, assert_problem, serving
from tests.support.archived import archived_task
from tests.support.pages import Browser, browsing, tiles

FIRST_DAY = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAYS = (0, 1, 1, 2, 5, 5, 5, 9)
"""On which days after the first the tasks of the shared house were archived, two images each."""


async def put(house: House, name: str, at: datetime, sizes: tuple[int, ...] = (100,), **tags: str) -> None:
    """A task that was archived at a time."""
    state = archived_task(f"task-{name}", at=at, sizes=sizes, tags=tags)
    await house.parts.catalog.write(lambda tx: tx.tasks.save([(None, state)]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser of an archive of several days, for tests that only look at it."""
    async with serving(tmp_path_factory.mktemp("filled")) as house:
        for number, day in enumerate(DAYS):
            at = FIRST_DAY + timedelta(days=day, minutes=number)
            await put(house, f"{number}", at, (100 + number, 200 - number), team="ab"[number % 2])
        async with browsing(house) as browser:
            yield browser


def of(*numbers: int) -> list[str]:
    """The images of these tasks, the last of each first."""
    return [f"task-{number}.{index}" for number in numbers for index in (1, 0)]


shared = pytest.mark.asyncio(loop_scope="module")


@shared
async def test_the_newest_comes_first_by_when_it_was_archived(filled: Browser) -> None:
    assert tiles(await filled.page("/")) == of(7, 6, 5, 4, 3, 2, 1, 0)
    assert tiles(await filled.page("/", sort="oldest")) == of(7, 6, 5, 4, 3, 2, 1, 0)[::-1]
    assert tiles(await filled.page("/wall", sort="largest"))[:2] == ["task-0.1", "task-1.1"]


@shared
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tag": "team:b"}, of(7, 5, 3, 1)),
        ({"tag": ["team:b", "team:a"]}, []),
        ({"task_id": "task-3"}, of(3)),
        ({"archived_after": "2026-04-06T12:06:00Z"}, of(7, 6)),
        ({"archived_before": "2026-04-02T00:00:00Z"}, of(0)),
        ({"since": "2026-04-02", "until": "2026-04-03"}, of(3, 2, 1)),
        ({"since": "2026-04-02", "until": "2026-04-02", "sort": "oldest"}, of(2, 1)[::-1]),
        ({"until": "9999-12-31", "since": ""}, of(7, 6, 5, 4, 3, 2, 1, 0)),
        ({"since": "2026-05-01"}, []),
        ({"status": "pending"}, []),
        ({"format": "webp"}, []),
        ({"min_bytes": "200"}, ["task-0.1"]),
    ],
)
async def test_every_filter_of_the_list_narrows_the_wall(
    filled: Browser, query: dict[str, str | list[str]], expected: list[str]
) -> None:
    page = await filled.page("/", **query)
    assert tiles(page) == expected
    assert ('class="nothing" hidden' in page) == bool(expected)


@shared
@pytest.mark.parametrize(
    ("day", "newest", "oldest"),
    [
        ("2026-03-01", [], of(7, 6, 5, 4, 3, 2, 1, 0)[::-1]),
        ("2026-04-01", of(0), of(7, 6, 5, 4, 3, 2, 1, 0)[::-1]),
        ("2026-04-02", of(2, 1, 0), of(7, 6, 5, 4, 3, 2, 1)[::-1]),
        ("2026-04-04", of(3, 2, 1, 0), of(7, 6, 5, 4)[::-1]),  # nothing came on this day
        ("2026-04-10", of(7, 6, 5, 4, 3, 2, 1, 0), of(7)[::-1]),
        ("2027-01-01", of(7, 6, 5, 4, 3, 2, 1, 0), []),
        ("0001-01-01", [], of(7, 6, 5, 4, 3, 2, 1, 0)[::-1]),
        ("9999-12-31", of(7, 6, 5, 4, 3, 2, 1, 0), []),
    ],
)
async def test_a_day_is_where_the_wall_begins_in_either_order(
    filled: Browser, day: str, newest: list[str], oldest: list[str]
) -> None:
    assert tiles(await filled.page("/", day=day)) == newest
    assert tiles(await filled.page("/", day=day, sort="oldest")) == oldest


@shared
async def test_a_day_is_looked_for_among_what_is_shown(filled: Browser) -> None:
    assert tiles(await filled.page("/", day="2026-04-03", tag="team:a")) == of(2, 0)
    span = {"archived_after": "2026-04-02T00:00:00Z", "archived_before": "2026-04-05T00:00:00Z"}
    assert tiles(await filled.page("/", day="2026-04-20", **span)) == of(3, 2, 1)
    assert tiles(await filled.page("/", day="2026-04-01", **span)) == []


@shared
async def test_in_an_order_by_size_a_day_means_the_order_by_time(filled: Browser) -> None:
    page = await filled.page("/", day="2026-04-02", sort="largest")
    assert tiles(page) == of(2, 1, 0)
    assert '<option value="newest" selected>' in page


@shared
async def test_fields_that_nobody_filled_in_say_nothing(filled: Browser) -> None:
    query = "/?q=&day=&sort=newest&tag=+&ref=%20&task_id=task-3"
    assert tiles((await filled.client.get(query)).text) == of(3)


@shared
@pytest.mark.parametrize(
    "query",
    [
        "size=wrong",
        "nonsense=1",
        "day=2026-02-30",
        "day=today",
        "cursor=!",
        "sort=random",
        "q=.",
        "tag=a&sort=oldest&sort=newest",
    ],
)
async def test_what_the_wall_does_not_take_is_told_on_a_page_and_to_scripts_as_a_problem(
    filled: Browser, query: str
) -> None:
    people = await filled.client.get(f"/?{query}")
    assert (people.status_code, people.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "<h1>" in people.text
    script = await filled.client.get(f"/wall?{query}", headers={"Sec-Fetch-Dest": "empty"})
    assert script.status_code == 400
    assert script.headers["content-type"] == "application/problem+json"


@shared
async def test_facets_lead_to_what_they_count_and_back(filled: Browser) -> None:
    page = await filled.page("/wall/facets")
    assert "16 images" in page
    links = re.findall(r'<a href="(/\?tag=[^"]*)"[^>]*><span>([^<]*)</span><small>(\d+)</small>', page)
    assert {(name, count) for _, name, count in links} >= {("team:a", "8"), ("team:b", "8")}
    for address, name, count in links:
        assert len(tiles((await filled.client.get(address.replace("&amp;", "&"))).text)) == int(count)
        narrowed = await filled.page("/wall/facets", tag=name)
        assert f'<a href="/?" aria-current="true"><span>{name}</span>' in narrowed


def turned(page: str, direction: str) -> str | None:
    found = re.search(rf'data-{direction}="([^"]+)"', page)
    return found[1] if found else None


async def walk(browser: Browser, page: str, direction: str, **query: str) -> list[str]:
    """What is met on the way from a page in a direction, in the order of the wall."""
    met = tiles(page)
    more = {"newer": "true"} if direction == "newer" else {}
    while cursor := turned(page, direction):
        page = await browser.page("/wall", cursor=cursor, **more, **query)
        met = [*met, *tiles(page)] if direction == "older" else [*tiles(page), *met]
    return met


@pytest.mark.parametrize("sort", ["newest", "oldest", "largest", "smallest"])
async def test_paging_to_either_end_meets_every_image_once_whatever_arrives(tmp_path: Path, sort: str) -> None:
    async with serving(tmp_path) as house, browsing(house) as browser:
        count = TILES + 25
        for number in range(count):
            at = FIRST_DAY + timedelta(hours=number // 3)  # three at the same moment
            await put(house, f"{number:03}", at, (100 + number % 7, 100))
        begin = await browser.page("/", sort=sort)
        await put(house, "later", FIRST_DAY + timedelta(days=300), (999,))
        older = await walk(browser, begin, "older", sort=sort)
        known = [one for one in older if one != "task-later.0"]
        assert len(known) == len(set(known)) == 2 * count

        middle = await browser.page("/wall", cursor=turned(begin, "older") or "", sort=sort)
        back = await walk(browser, middle, "newer", sort=sort)
        assert [one for one in back if one != "task-later.0"] == known[: len(back) - ("task-later.0" in back)]
        assert back[0] == "task-later.0" if sort in ("newest", "largest") else "task-later.0" not in back[:TILES]


async def test_from_a_day_in_the_middle_both_ways_lead_through_everything(tmp_path: Path) -> None:
    async with serving(tmp_path) as house, browsing(house) as browser:
        for number in range(TILES + 10):
            await put(house, f"{number:03}", FIRST_DAY + timedelta(hours=6 * number), (100, 100))
        whole = await walk(browser, await browser.page("/"), "older")
        page = await browser.page("/", day="2026-04-09")
        older, newer = await walk(browser, page, "older"), await walk(browser, page, "newer")
        assert newer[: -len(tiles(page))] + older == whole


async def test_an_empty_archive_says_how_to_begin_and_an_empty_answer_does_not(browser: Browser) -> None:
    assert "first-steps" in await browser.page("/")
    assert "first-steps" not in await browser.page("/", q="nothing")
    assert "first-steps" not in await browser.page("/", day="2026-04-01")


async def test_what_waits_and_what_was_given_up_is_on_the_wall_when_asked_for(house: House, browser: Browser) -> None:
    await house.complete("task-a")
    assert tiles(await browser.page("/", status="pending")) == ["task-a.0"]
    assert tiles(await browser.page("/")) == []
    assert "is being fetched" in await browser.page("/")


async def test_an_image_that_there_never_was_is_a_page_with_404(browser: Browser) -> None:
    for path in ("/images/none", "/images/task-none.0", "/images/task-none.0/panel"):
        assert (await browser.client.get(path)).status_code == 404
    script = {"Sec-Fetch-Dest": "empty"}
    assert_problem(await browser.client.get("/images/none/panel", headers=script), 404, "asset_not_found")

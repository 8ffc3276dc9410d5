"""Lists by any filter and in any order: every page together is what a look at each row finds."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.filters import AssetFilter, Sort, Span, TaskFilter
from service.catalog.listing import BOUNDS, Bounds
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.image import Image, ImageFormat
from service.domain.task import Task, TaskStatus
from service.domain.words import Search, exact, search_for
from service.upkeep.search_filling import SearchFilling
from tests.support.databases import POSTGRESQL, Databases, databases_for
from tests.support.deliveries import NOW

PROMPTS = ("a foggy Lighthouse", "日落 over the sea", "고양이가 앉아 있다", "美しい海", "正しい美しさ", None)
MODELS = ("gpt-image-2", "gpt-image-2-beta")
FORMATS = (ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP)
NUMBER = 60


def state(n: int) -> TaskState:
    at = NOW + timedelta(minutes=n)
    task = Task(
        id=f"task-{n:03}",
        source="evolink",
        received_at=at,
        status=TaskStatus.FAILED if n % 7 == 0 else TaskStatus.COMPLETED,
        model=MODELS[n % 3 == 0],
        ref=f"order {n // 10}",
        tags={"team": f"team-{n % 4}"} if n % 5 else {},
        prompt=PROMPTS[n % len(PROMPTS)],
        error={"code": "moderation", "message": "Das Motiv ist verboten"} if n % 7 == 0 else None,
        conflict=n % 29 == 0,
    )
    count = 0 if n % 7 == 0 else 1 + n % 3
    return TaskState(task, tuple(asset(task.id, n, index) for index in range(count)))


def asset(task_id: str, n: int, index: int) -> Asset:
    at = NOW + timedelta(minutes=n)
    host = "files.evolink.ai" if n % 6 else "old.evolink.ai"
    known = Asset(task_id, index, links=(f"https://{host}/{n}/{index}.png",), deadline=at, created_at=at)
    if n % 11 == 0:
        return replace(known, status=AssetStatus.DEAD, reason=AssetReason.REFUTED if n % 2 else AssetReason.TOO_LARGE)
    image = Image(FORMATS[(n + index) % 3], 1024, 1536 if n % 4 == 0 else 1024)
    stored = Stored(f"key-{n}-{index}", f"{n:064x}", 1000 + (n * 37 + index) % 50, image)
    return replace(known, status=AssetStatus.ARCHIVED, stored=stored, archived_at=at + timedelta(seconds=index))


STATES = [state(n) for n in range(NUMBER)]


def tags(*told: str) -> Search:
    return Search(frozenset(exact("tag", one) for one in told))


def words(typed: str) -> Search:
    return search_for(typed)


A_SPAN = Span(NOW + timedelta(minutes=10), NOW + timedelta(minutes=40))
OF_TASKS: dict[str, tuple[TaskFilter, Any]] = {
    "all": (TaskFilter(), lambda t: True),
    "status": (TaskFilter(status="failed"), lambda t: t.status == "failed"),
    "model": (TaskFilter(model="gpt-image-2"), lambda t: t.model == "gpt-image-2"),
    "source": (TaskFilter(source="other"), lambda t: False),
    "usual source": (TaskFilter(source="evolink"), lambda t: True),
    "ref and status": (
        TaskFilter(ref="order 2", status="failed"),
        lambda t: t.ref == "order 2" and t.status == "failed",
    ),
    "span": (TaskFilter(received=A_SPAN), lambda t: 10 <= number(t) < 40),
    "span and model": (
        TaskFilter(received=A_SPAN, model="gpt-image-2-beta"),
        lambda t: 10 <= number(t) < 40 and t.model == "gpt-image-2-beta",
    ),
    "conflicts": (TaskFilter(conflicts=True, model="gpt-image-2"), lambda t: t.model == "gpt-image-2"),
    "tag": (TaskFilter(search=tags("team:team-2")), lambda t: t.tags.get("team") == "team-2"),
    "tag name": (TaskFilter(search=tags("team")), lambda t: "team" in t.tags),
    "tag, word and model": (
        TaskFilter(search=Search(tags("team:team-2").terms | {"lighthouse"}), model="gpt-image-2-beta"),
        lambda t: t.tags.get("team") == "team-2" and "Light" in (t.prompt or "") and t.model == "gpt-image-2-beta",
    ),
    "word in a span": (
        TaskFilter(search=words("海"), received=A_SPAN),
        lambda t: 10 <= number(t) < 40 and "海" in (t.prompt or ""),
    ),
    "error": (TaskFilter(search=words("VERBOTEN")), lambda t: t.error is not None),
    "run": (TaskFilter(search=words("美しい")), lambda t: "美しい" in (t.prompt or "")),
    "part of a run": (TaskFilter(search=words("고양이")), lambda t: "고양이" in (t.prompt or "")),
    "label": (
        TaskFilter(search=words("team 3")),
        lambda t: t.tags.get("team") == "team-3" or (t.tags and t.ref == "order 3"),
    ),
}


def number(task: Task) -> int:
    return int(task.id.removeprefix("task-"))


PICKED = (("task-041", 1), ("task-017", 2), ("task-041", 0), ("task-012", 0), ("task-012", 9), ("task-none", 0))
OF_ASSETS: dict[str, tuple[AssetFilter, Any]] = {
    "all": (AssetFilter(), lambda t, a: True),
    "status": (AssetFilter(status="dead"), lambda t, a: a.status == "dead"),
    "format": (AssetFilter(format="webp"), lambda t, a: has(a, "webp")),
    "usual format": (AssetFilter(format="png"), lambda t, a: has(a, "png")),
    "format and model": (
        AssetFilter(format="jpeg", task=TaskFilter(model="gpt-image-2-beta")),
        lambda t, a: has(a, "jpeg") and t.model == "gpt-image-2-beta",
    ),
    "task": (AssetFilter(task_id="task-041"), lambda t, a: t.id == "task-041"),
    "ids": (AssetFilter(ids=PICKED), lambda t, a: a.id in ("task-041.0", "task-041.1", "task-017.2", "task-012.0")),
    "ids and word": (
        AssetFilter(ids=PICKED, task=TaskFilter(search=words("lighthouse"))),
        lambda t, a: a.id == "task-012.0",
    ),
    "host": (AssetFilter(host="old.evolink.ai"), lambda t, a: number(t) % 6 == 0),
    "size": (AssetFilter(size=(1024, 1536)), lambda t, a: a.stored is not None and number(t) % 4 == 0),
    "bytes": (AssetFilter(least_bytes=1010, most_bytes=1030), lambda t, a: a.stored and 1010 <= a.stored.size <= 1030),
    "archived": (AssetFilter(archived=A_SPAN), lambda t, a: a.archived_at and 10 <= number(t) < 40),
    "received": (AssetFilter(task=TaskFilter(received=A_SPAN)), lambda t, a: 10 <= number(t) < 40),
    "refuted too": (AssetFilter(conflicts=True, status="dead"), lambda t, a: a.status == "dead"),
    "word": (AssetFilter(task=TaskFilter(search=words("lighthouse"))), lambda t, a: "Light" in (t.prompt or "")),
    "word and format": (
        AssetFilter(format="png", task=TaskFilter(search=words("海"))),
        lambda t, a: has(a, "png") and "海" in (t.prompt or ""),
    ),
    "run and tag": (
        AssetFilter(task=TaskFilter(search=replace(words("美しい"), terms=words("美しい").terms | tags("team").terms))),
        lambda t, a: "美しい" in (t.prompt or "") and "team" in t.tags,
    ),
    "ref and word": (
        AssetFilter(task=TaskFilter(ref="order 3", search=words("日落"))),
        lambda t, a: t.ref == "order 3" and "日落" in (t.prompt or ""),
    ),
}
ORDERS: dict[Sort, tuple[Any, bool]] = {
    Sort.NEWEST: (lambda n, a: (n, a.index), True),
    Sort.OLDEST: (lambda n, a: (n, a.index), False),
    Sort.LARGEST: (lambda n, a: (a.stored.size, n, a.index), True),
    Sort.SMALLEST: (lambda n, a: (a.stored.size, n, a.index), False),
}


WAYS = [
    pytest.param(BOUNDS, id="as it is"),
    pytest.param(Bounds(few=0), id="nothing is few", marks=pytest.mark.long),
    pytest.param(Bounds(few=0, many=0, together=2, least=1), id="everything is many", marks=pytest.mark.long),
]
"""Each way in which a list can come about."""


def has(one: Asset, name: str) -> bool:
    return one.stored is not None and one.stored.image.format == name


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog of all rows, for tests that only read."""
    databases = databases_for(request, tmp_path_factory.mktemp("listing"))
    catalog = Catalog(databases.new())
    catalog.open()
    asyncio.run(catalog.write(lambda tx: tx.tasks.save([(None, one) for one in STATES])))
    yield catalog
    catalog.close()


async def listed(
    catalog: Catalog, kind: str, wanted: object, *, limit: int, sort: Sort, bounds: Bounds = BOUNDS
) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    after: int | None = None
    while True:

        def look(tx: Transaction, after: int | None = after) -> Any:
            return getattr(tx.query, kind)(wanted, limit=limit, after=after, sort=sort, bounds=bounds)

        page = await catalog.read(look)
        found += [one.id for one in page.items]
        if (after := page.next) is None:
            assert len(page.items) <= limit
            return found
        assert len(page.items) == limit


@pytest.mark.parametrize("bounds", WAYS)
@pytest.mark.parametrize("name", OF_TASKS)
async def test_pages_of_tasks_are_what_a_look_at_each_finds(filled: Catalog, name: str, bounds: Bounds) -> None:
    wanted, holds = OF_TASKS[name]
    expected = [one.task.id for one in STATES if holds(one.task) and (wanted.conflicts or not one.task.conflict)]
    for sort in (Sort.NEWEST, Sort.OLDEST):
        expected.reverse()
        for limit in (4, 200):
            assert await listed(filled, "tasks", wanted, limit=limit, sort=sort, bounds=bounds) == expected


@pytest.mark.parametrize("bounds", WAYS)
@pytest.mark.parametrize("name", OF_ASSETS)
async def test_pages_of_images_are_what_a_look_at_each_finds(filled: Catalog, name: str, bounds: Bounds) -> None:
    wanted, holds = OF_ASSETS[name]
    rows = [(number(one.task), one.task, image) for one in STATES for image in one.assets]
    rows = [row for row in rows if holds(*row[1:]) and (wanted.conflicts or row[2].reason is not AssetReason.REFUTED)]
    for sort, (key, descends) in ORDERS.items():
        those = [row for row in rows if row[2].stored or sort in (Sort.NEWEST, Sort.OLDEST)]
        expected = [image.id for _, _, image in sorted(those, key=lambda row: key(row[0], row[2]), reverse=descends)]
        for limit in (7, 200):
            assert await listed(filled, "assets", wanted, limit=limit, sort=sort, bounds=bounds) == expected


async def test_facets_divide_what_a_filter_finds(filled: Catalog) -> None:
    facets = await filled.read(lambda tx: tx.facets.tasks(TaskFilter(search=words("lighthouse"))))
    found = [one.task for one in STATES if "Light" in (one.task.prompt or "") and not one.task.conflict]
    assert (facets.counted, facets.exact) == (len(found), True)
    assert facets.values["status"] == dict(Counter(task.status for task in found).most_common())
    assert facets.values["tag"] == dict(Counter(f"team:{t.tags['team']}" for t in found if t.tags).most_common())
    images = await filled.read(lambda tx: tx.facets.assets(AssetFilter(status="archived", host="old.evolink.ai")))
    assert images.values["host"] == {"old.evolink.ai": images.counted}
    assert set(images.values["size"]) <= {"1024x1024", "1024x1536"}
    none = await filled.read(lambda tx: tx.facets.assets(AssetFilter(task_id="task-none")))
    assert (none.counted, none.exact, none.values) == (0, True, {"tag": {}})


async def test_what_is_told_later_is_found_and_what_no_longer_holds_is_not(catalog: Catalog) -> None:
    before = state(1)
    after = replace(before, task=replace(before.task, prompt="a quiet harbour", tags={"team": "other"}))
    await catalog.write(lambda tx: tx.tasks.save([(None, before)]))
    await catalog.write(lambda tx: tx.tasks.save([(before, after)]))
    for search, expected in (
        (words("harbour"), ["task-001"]),
        (tags("team:other"), ["task-001"]),
        (words("日落"), []),
        (tags("team:team-1"), []),
    ):
        assert await listed(catalog, "tasks", TaskFilter(search=search), limit=9, sort=Sort.NEWEST) == expected


async def test_a_task_that_tells_more_than_an_index_takes_is_kept_and_found_by_what_comes_first(
    catalog: Catalog,
) -> None:
    rare = "".join(chr(0x20000 + number) for number in range(90_000))
    before = state(1)
    error = {"code": "refused", "message": f"harbour {rare}"}
    after = replace(before, task=replace(before.task, prompt=rare[::-1], error=error))
    await catalog.write(lambda tx: tx.tasks.save([(None, before)]))
    await catalog.write(lambda tx: tx.tasks.save([(before, after)]))
    for search in (words(rare[89_000:89_004][::-1]), tags("team:team-1")):
        assert await listed(catalog, "tasks", TaskFilter(search=search), limit=9, sort=Sort.NEWEST) == ["task-001"]


async def test_what_came_before_there_was_an_index_becomes_findable(databases: Databases) -> None:
    with closing(Catalog(databases.new())) as catalog:
        catalog.open()
        await catalog.write(lambda tx: tx.tasks.save([(None, one) for one in STATES[:9]]))
        await catalog.write(lambda tx: tx.search.clear())
        databases.run("UPDATE assets SET host = NULL")
        assert await listed(catalog, "tasks", TaskFilter(search=words("日落")), limit=9, sort=Sort.NEWEST) == []
        await SearchFilling(catalog=catalog, settles_within=timedelta()).fill()
        assert await listed(catalog, "tasks", TaskFilter(search=words("日落")), limit=9, sort=Sort.OLDEST) == [
            "task-001",
            "task-007",
        ]
        old = AssetFilter(host="old.evolink.ai")
        assert await listed(catalog, "assets", old, limit=9, sort=Sort.OLDEST) == ["task-006.0"]
        assert await catalog.write(lambda tx: tx.search.catch_up(9, 5)) is None


async def test_what_a_process_of_an_older_version_writes_meanwhile_becomes_findable_too(databases: Databases) -> None:
    with closing(Catalog(databases.new())) as catalog:
        catalog.open()
        others = iter(STATES[1:3])

        async def meanwhile(_seconds: float) -> None:
            if (one := next(others, None)) is not None:
                await catalog.write(lambda tx: tx.tasks.save([(None, one)]))
                await catalog.write(lambda tx: tx.search.clear())

        await SearchFilling(catalog=catalog, sleep=meanwhile).fill()
        found = await listed(catalog, "tasks", TaskFilter(search=tags("team")), limit=99, sort=Sort.OLDEST)
        assert found == (["task-001", "task-002"] if catalog.shared else [])

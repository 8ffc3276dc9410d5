"""Lists, searches and facets of a million images on both databases: `python -m tests.benchmarks.questions [IMAGES]`.

Each line tells how long pages of 50 take that are asked for by the same kind of filter with other values: the first
one, and one from deep in the archive, about where page 10,000 of an unfiltered list begins.
"""

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from service.catalog.catalog import Catalog, Transaction
from service.catalog.filters import AssetFilter, Sort, Span, TaskFilter
from service.catalog.tasks import TaskState
from service.domain.task import TaskStatus
from service.domain.words import Search, exact, search_for
from tests.support.archived import archived_task
from tests.support.deliveries import NOW
from tests.support.migrated import put_migrated
from tests.support.postgres import PostgresDatabases, own_server, run_sql

IMAGES = 1_000_000
TOGETHER = 2000
PAGE = 50
TIMES = 40
FIRST = NOW - timedelta(days=730)

WORDS = (
    *("lighthouse", "fog", "sea", "boat", "night", "city", "neon", "portrait", "oil", "painting", "watercolor"),
    *("mountain", "river", "forest", "cat", "dog", "astronaut", "dragon", "castle", "sunset", "bridge", "snow"),
    *("rain", "desert", "flower", "garden", "robot", "car", "train", "street", "market", "temple"),
)
OTHERS = ("日落", "海", "猫", "夕暮れの海辺", "山", "고양이가 앉아", "美しい花", "赛博朋克城市")

Chance = random.Random
Asked = tuple[AssetFilter | TaskFilter, Sort]


def task_of(number: int, tasks: int, chance: Chance) -> TaskState:
    """One of so many tasks over two years, with two images, or failed."""
    at = FIRST + timedelta(days=730) * number / tasks
    tags = {"team": f"team-{number % 40}", "batch": f"b{number // 1000}"}
    sizes = () if number % 50 == 0 else (chance.randrange(10**6, 9 * 10**6), chance.randrange(10**6, 9 * 10**6))
    state = archived_task(f"task-unified-{number:08}", at=at, sizes=sizes, tags=tags)
    prompt = f"a {' '.join(chance.choices(WORDS, k=12))} number {number}"
    prompt += f" {chance.choice(OTHERS)}" if number % 5 == 0 else ""
    status = TaskStatus.COMPLETED if sizes else TaskStatus.FAILED
    model = "gpt-image-2" if number % 10 else "gpt-image-2-beta"
    told = replace(state.task, status=status, model=model, ref=f"order-{number // 3}", prompt=prompt, version=1)
    return TaskState(replace(told, sidecar_version=1), state.assets)


async def fill(catalog: Catalog, tasks: int) -> None:
    chance, began = random.Random(1), time.perf_counter()
    for base in range(0, tasks, TOGETHER):
        states = [task_of(number, tasks, chance) for number in range(base, min(base + TOGETHER, tasks))]
        await catalog.write(partial(_save, states=states))
        if base * 10 // tasks != (base + TOGETHER) * 10 // tasks:
            print(f"  {base + TOGETHER} of {tasks} tasks after {time.perf_counter() - began:.0f} s", flush=True)


def _save(tx: Transaction, *, states: list[TaskState]) -> None:
    tx.tasks.save([(None, state) for state in states])


def _words(chance: Chance, number: int = 1) -> Search:
    return search_for(" ".join(chance.sample(WORDS, number)))


def _tag(chance: Chance) -> Search:
    return Search(frozenset({exact("tag", f"team:team-{chance.randrange(40)}")}))


def _days(chance: Chance, number: int) -> Span:
    begin: datetime = FIRST + timedelta(days=chance.randrange(700))
    return Span(begin, begin + timedelta(days=number))


KINDS: Mapping[str, Callable[[Chance], Asked]] = {
    "tasks": lambda _: (TaskFilter(), Sort.NEWEST),
    "tasks that failed": lambda _: (TaskFilter(status="failed"), Sort.NEWEST),
    "tasks of a model": lambda _: (TaskFilter(model="gpt-image-2-beta"), Sort.NEWEST),
    "tasks with a ref": lambda c: (TaskFilter(ref=f"order-{c.randrange(100_000)}"), Sort.NEWEST),
    "tasks with a tag": lambda c: (TaskFilter(search=_tag(c)), Sort.NEWEST),
    "tasks of three days": lambda c: (TaskFilter(received=_days(c, 3)), Sort.NEWEST),
    "tasks with a word": lambda c: (TaskFilter(search=_words(c)), Sort.NEWEST),
    "tasks with three words": lambda c: (TaskFilter(search=_words(c, 3)), Sort.NEWEST),
    "tasks with a word of another script": lambda c: (TaskFilter(search=search_for(c.choice(OTHERS))), Sort.NEWEST),
    "tasks with a rare word": lambda c: (TaskFilter(search=search_for(f"number {c.randrange(500_000)}")), Sort.NEWEST),
    "tasks with a word, of a month": lambda c: (TaskFilter(search=_words(c), received=_days(c, 30)), Sort.NEWEST),
    "images": lambda _: (AssetFilter(), Sort.NEWEST),
    "images, the largest first": lambda _: (AssetFilter(), Sort.LARGEST),
    "images of a size in bytes": lambda c: (AssetFilter(least_bytes=c.randrange(8_900_000, 8_999_000)), Sort.NEWEST),
    "images archived in three days": lambda c: (AssetFilter(archived=_days(c, 3)), Sort.NEWEST),
    "images with a word": lambda c: (AssetFilter(task=TaskFilter(search=_words(c))), Sort.NEWEST),
    "images with a word, the largest first": lambda c: (AssetFilter(task=TaskFilter(search=_words(c))), Sort.LARGEST),
    "images with a tag": lambda c: (AssetFilter(task=TaskFilter(search=_tag(c))), Sort.NEWEST),
}


async def page(catalog: Catalog, asked: Asked, after: int | None) -> float:
    """How long a page takes, in milliseconds."""
    wanted, sort = asked
    began = time.perf_counter()
    if isinstance(wanted, TaskFilter):
        await catalog.read(lambda tx: tx.query.tasks(wanted, limit=PAGE, after=after, sort=sort))
    else:
        await catalog.read(lambda tx: tx.query.assets(wanted, limit=PAGE, after=after, sort=sort))
    return 1000 * (time.perf_counter() - began)


async def facets(catalog: Catalog, wanted: AssetFilter | TaskFilter) -> float:
    began = time.perf_counter()
    if isinstance(wanted, TaskFilter):
        await catalog.read(lambda tx: tx.facets.tasks(wanted))
    else:
        await catalog.read(lambda tx: tx.facets.assets(wanted))
    return 1000 * (time.perf_counter() - began)


def _told(spent: list[float]) -> str:
    return f"{median(spent):7.1f} {quantiles(spent, n=20)[-1]:8.1f}"


async def measure(catalog: Catalog, images: int) -> None:
    print(f"{'ms, median and p95':40} {'first page':>16}   {'a deep page':>16}   {'facets':>16}")
    for name, kind in KINDS.items():
        chance = random.Random(2)
        asked = [kind(chance) for _ in range(TIMES)]
        deep = images // 4 if isinstance(asked[0][0], TaskFilter) else images // 2
        first = [await page(catalog, one, None) for one in asked]
        far = [await page(catalog, one, deep) for one in asked]
        counted = [await facets(catalog, wanted) for wanted, _ in asked[:10]]
        print(f"{name:40} {_told(first)}   {_told(far)}   {_told(counted)}", flush=True)


def databases(folder: Path, url: str) -> Iterator[tuple[str, Path | str]]:
    yield "sqlite", put_migrated(folder / "questions.db")
    yield "postgresql", PostgresDatabases(url).new()


def main(images: int) -> None:
    with tempfile.TemporaryDirectory() as folder, own_server() as server:
        for name, where in databases(Path(folder), server.url):
            print(f"{name}, {images} images", flush=True)
            catalog = Catalog(where)
            catalog.open()
            asyncio.run(fill(catalog, images // 2))
            if isinstance(where, str):
                run_sql(where, "VACUUM ANALYZE")
            asyncio.run(measure(catalog, images))
            print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most", flush=True)
            catalog.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)

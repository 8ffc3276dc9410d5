"""How long the API takes to answer for lists, filters and searches of very many images, beside few."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.benchmarks.sender import percentile
from tests.benchmarks.serving import service
from tests.system.support.darkroom import Darkroom

ASKED: dict[str, list[tuple[str, dict[str, str]]]] = {
    "lists": [("/v1/assets", {}), ("/v1/tasks", {}), ("/v1/assets", {"sort": "largest"})],
    "filters": [
        *(("/v1/assets", {"tag": f"team:team-{number}"}) for number in range(0, 40, 4)),
        ("/v1/tasks", {"model": "gpt-image-2-beta"}),
        ("/v1/tasks", {"status": "failed"}),
        ("/v1/assets", {"size": "1536x1024"}),
    ],
    "searches": [
        *(("/v1/assets", {"q": words}) for words in ("lighthouse fog", "cat", "日落", "number 17", "neon city night")),
        *(("/v1/tasks", {"q": words}) for words in ("dragon", "猫", "oil painting")),
    ],
}


async def among_many(folder: Path, *, images: int, few: int, rounds: int) -> list[Ratio]:
    await asyncio.gather(*(asyncio.to_thread(_fill, folder / name, number) for name, number in _both(images, few)))
    async with service(folder / "many") as many, service(folder / "few") as small:
        pairs: dict[str, list[Pair]] = {kind: [] for kind in ASKED}
        for turn in range(rounds + 1):
            for kind in ASKED:
                pair = Pair(await _asked(many, kind), await _asked(small, kind))
                pairs[kind] += [pair] if turn else []  # the first round warms up
    return [
        Ratio(Goal(f"{kind} of {images:,} images, 19 of 20 within", f"of {few:,}", "ms", Better.LESS, 2), pairs[kind])
        for kind in ASKED
    ]


def _both(images: int, few: int) -> list[tuple[str, int]]:
    return [("many", images), ("few", few)]


def _fill(folder: Path, images: int) -> None:
    """Put images into a database that the service finds at its start."""
    (folder / "data").mkdir(parents=True)
    database = folder / "data" / "darkroom.db"
    subprocess.run([sys.executable, "-m", "tests.benchmarks.wall", str(database), str(images)], check=True)


async def _asked(darkroom: Darkroom, kind: str) -> float:
    """Milliseconds that 19 of 20 answers took, each asked for several times."""
    spent = []
    for _ in range(5):
        for path, query in ASKED[kind]:
            began = time.perf_counter()
            page = await darkroom.api.get(path, limit=50, **query)
            spent.append(1000 * (time.perf_counter() - began))
            assert page["items"] or "q" in query, f"{path} {query} finds nothing"
    return percentile(spent, 0.95)

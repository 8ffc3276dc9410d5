"""Which images look alike: none that is near enough is passed over, and none that is not is told."""

import random
from dataclasses import replace
from functools import partial

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.details import MOST_CANDIDATES
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus, Stored
from service.domain.image import Image, ImageFormat
from service.domain.likeness import Quarters, apart, quarters
from service.intake.batch import take_in
from tests.support.deliveries import NOW, RULES, TASK, delivery, task_object

MINE = 0x0123456789ABCDEF
STORED = Stored("evolink/2026/05/01/x/0-aaaaaaaaaaaa.png", "a" * 64, 10, Image(ImageFormat.PNG, 3, 2))


def as_quarters(hashed: int) -> Quarters:
    found = quarters(f"{hashed:016x}")
    assert found is not None
    return found


def with_bits(rng: random.Random, number: int) -> int:
    return MINE ^ sum(1 << bit for bit in rng.sample(range(64), number))


async def kept(catalog: Catalog, hashes: list[int]) -> None:
    """Archived images with these hashes, sixteen to a task."""
    for start in range(0, len(hashes), 16):
        some = hashes[start : start + 16]
        links = [f"https://files.evolink.ai/{start + number}.png" for number in range(len(some))]
        body = task_object(task_id=f"{TASK}-{start}", results=links)
        await catalog.write(partial(take_in, batch=[delivery(body)], rules=RULES))
        await catalog.write(partial(_set, task_id=f"{TASK}-{start}", hashes=some))


def _set(tx: Transaction, *, task_id: str, hashes: list[int]) -> None:
    state = tx.tasks.get(task_id)
    assert state is not None
    assets = tuple(
        replace(
            asset,
            status=AssetStatus.ARCHIVED,
            stored=STORED,
            archived_at=NOW,
            details={"version": 2, "pixels": {"perceptual_hash": f"{hashed:016x}"}},
        )
        for asset, hashed in zip(state.assets, hashes, strict=True)
    )
    tx.tasks.save([(state, TaskState(state.task, assets))])


@pytest.mark.parametrize("distance", [0, 3, 6, 11, 16])
async def test_all_that_are_near_enough_are_among_the_candidates(catalog: Catalog, distance: int) -> None:
    rng = random.Random(7)
    hashes = [with_bits(rng, bits) for bits in range(21) for _ in range(4)]
    await kept(catalog, hashes)
    candidates, complete = await catalog.read(lambda tx: tx.details.candidates(as_quarters(MINE), distance))
    near = [bits for one in candidates if (bits := apart(as_quarters(MINE), one.alike)) <= distance]
    assert sorted(near) == sorted(bits for bits in range(distance + 1) for _ in range(4))
    assert complete


async def test_a_question_that_too_many_answer_says_that_it_is_not_complete(catalog: Catalog) -> None:
    assert MOST_CANDIDATES >= 20_000
    await kept(catalog, [MINE] * 48)
    candidates, complete = await catalog.read(lambda tx: tx.details.candidates(as_quarters(MINE), 6, most=40))
    assert (len(candidates), complete) == (40, False)
    candidates, complete = await catalog.read(lambda tx: tx.details.candidates(as_quarters(MINE), 6, most=48))
    assert (len(candidates), complete) == (48, True)

"""`/v1/assets/{id}/similar`: what looks alike, nearest first."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from tests.support.app import House, assert_problem
from tests.support.deliveries import TASK

ID = f"{TASK}.0"


async def archived(house: House, *hashes: str | None) -> None:
    """A task with images of these hashes; None was not looked at."""
    await house.complete(results=[f"https://files.evolink.ai/{number}.png" for number in range(len(hashes))])
    await house.archive()
    await house.parts.catalog.write(partial(_looked, hashes=dict(enumerate(hashes))))


def _looked(tx: Transaction, *, hashes: Mapping[int, str | None]) -> None:
    state = tx.tasks.get(TASK)
    assert state is not None
    assets = tuple(
        replace(one, details={"version": 2, "pixels": {"perceptual_hash": hashed}} if hashed else None)
        for one, hashed in zip(state.assets, hashes.values(), strict=True)
    )
    tx.tasks.save([(state, TaskState(state.task, assets))])


async def test_images_that_look_alike_come_nearest_first(house: House) -> None:
    await archived(house, "0" * 16, "0" * 15 + "f", "0" * 16, "f" * 16, None, "0" * 14 + "ff")
    told = await house.json(f"/v1/assets/{ID}/similar")
    assert (told["distance"], told["complete"]) == (6, True)
    assert [(one["distance"], one["asset"]["index"]) for one in told["items"]] == [(0, 2), (4, 1)]
    assert told["items"][0]["asset"] == await house.json(f"/v1/assets/{TASK}.2")
    further = await house.json(f"/v1/assets/{ID}/similar", distance="8")
    assert [one["distance"] for one in further["items"]] == [0, 4, 8]
    assert [one["distance"] for one in (await house.json(f"/v1/assets/{ID}/similar", distance="0"))["items"]] == [0]


async def test_a_deleted_image_looks_like_nothing(house: House) -> None:
    await archived(house, "0" * 16, "0" * 16)
    assert (await house.admin.delete(f"/v1/assets/{TASK}.1")).status_code == 204
    assert (await house.json(f"/v1/assets/{ID}/similar"))["items"] == []
    assert_problem(await house.read.get(f"/v1/assets/{TASK}.1/similar"), 409, "no_perceptual_hash")


async def test_an_image_that_was_not_looked_at_says_so(house: House) -> None:
    await archived(house, None)
    assert_problem(await house.read.get(f"/v1/assets/{ID}/similar"), 409, "no_perceptual_hash")
    assert_problem(await house.read.get(f"/v1/assets/{TASK}.7/similar"), 404, "asset_not_found")
    assert_problem(await house.read.get("/v1/assets/nonsense/similar"), 404, "asset_not_found")


@pytest.mark.parametrize("distance", ["17", "-1", "x", "", "٣"])
async def test_a_distance_that_is_none_is_refused(house: House, distance: str) -> None:
    await archived(house, "0" * 16)
    answer = await house.read.get(f"/v1/assets/{ID}/similar", params={"distance": distance})
    assert_problem(answer, 400, "invalid_parameter")


async def test_other_parameters_are_refused_by_name(house: House) -> None:
    answer = await house.read.get(f"/v1/assets/{ID}/similar", params={"limit": "7"})
    assert_problem(answer, 400, "unknown_parameter")
    assert_problem(await house.anyone.get(f"/v1/assets/{ID}/similar"), 401, "unauthorized")

"""Judges what became of orders, by the provider's ledger and its charges: each is paid, kept and counted once."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.crash.support.catalog_rows import all_at_rest
from tests.crash.support.errand import Order
from tests.crash.support.scene import Scene
from tests.system.support.darkroom import Darkroom
from tests.system.support.kept import assert_kept
from tests.system.support.stand_in import Ledger
from tests.system.support.submitting import straight
from tests.system.support.waiting import eventually

ROUNDED = 1e-6
"""US dollars by which a sum of three may differ from what it is the sum of, as people are shown six decimals."""

RESTS_WITHIN, COUNTED_WITHIN = 60.0, 5.0


class Flaw(StrEnum):
    """What can be wrong; the values are plurals for a summary."""

    TWICE = "requests paid twice"
    LOST = "images lost"
    MIXED_UP = "prompts mixed up"
    HELD = "reservations held back"
    CHARGED = "charges wrong"
    OTHER = "other flaws"


@dataclass(frozen=True, slots=True)
class Found:
    """One flaw, in words."""

    flaw: Flaw
    what: str


async def judged(scene: Scene, orders: Sequence[Order]) -> list[Found]:
    """What is wrong when every order has its task."""
    await all_at_rest(scene.data, within=RESTS_WITHIN)
    service, ledger = scene.service, await scene.provider.ledger()
    mine = Counter(order.task_id for order in orders)
    more, fewer = set(ledger.tasks) - set(mine), set(mine) - set(ledger.tasks)
    found = [Found(Flaw.TWICE, f"tasks that nobody got: {sorted(more)}")] if more else []
    if fewer or max(mine.values()) > 1:
        found.append(Found(Flaw.MIXED_UP, f"{mine}"))
    for order in orders:
        found += await _kept(service, ledger, order)
    found += await _booked(scene, orders)
    return found + [Found(Flaw.OTHER, f"left over: {name}") for name in service.archive.staged()]


async def _kept(service: Darkroom, ledger: Ledger, order: Order) -> list[Found]:
    """What is wrong with the images of an order, byte for byte, and with what is said of them."""
    assert order.task_id is not None
    try:
        await assert_kept(service, ledger, order.task_id)
    except AssertionError as error:
        return [Found(Flaw.LOST, f"{order.key}: {error}")]
    task = await service.api.get(f"/v1/tasks/{order.task_id}")
    sidecar = (await service.archive.settled_sidecar(order.task_id))["task"]
    told = [{"model": one["model"], "prompt": one["prompt"], **one["parameters"]} for one in (task, sidecar)]
    sizes = [f"{image['width']}x{image['height']}" for image in ledger.images(order.task_id)]
    if told == [order.asked] * 2 and sizes == [order.asked["size"]] * order.images:
        return []
    return [Found(Flaw.MIXED_UP, f"{order.key}: {told}, {sizes}")]


async def _booked(scene: Scene, orders: Sequence[Order]) -> list[Found]:
    """What is wrong with the sums when there was time to count: something is held back, or not counted once."""
    async with straight(scene.provider) as account:
        looks = [await account.look(str(order.task_id)) for order in orders]
    true = sum(look.json()["usage"]["cost"]["usd"] for look in looks)
    images = sum(order.images for order in orders)
    totals: list[Any] = []

    async def counted() -> bool | None:
        totals.append((await scene.service.api.get("/v1/stats"))["cost"]["total"])
        told = (totals[-1]["reserved_usd"], totals[-1]["tasks"], totals[-1]["images"])
        return told == (0, len(orders), images) or None

    with suppress(AssertionError):
        await eventually(counted, what="all is counted", within=COUNTED_WITHIN)
    found = [Found(Flaw.HELD, str(totals[-1]))] if totals[-1]["reserved_usd"] else []
    right = (totals[-1]["tasks"], totals[-1]["images"]) == (len(orders), images)
    if right and abs(totals[-1]["usd"] - true) < ROUNDED:
        return found
    return [*found, Found(Flaw.CHARGED, f"{totals[-1]} for {true}")]

"""The asking part of a service at its end: it leaves the time to drain to others. In virtual time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from service.background import DRAIN_GRACE, Background, Nudge
from service.bootstrap.reconcile import LONGEST_DRAIN, Asking, start_reconcile
from service.catalog.catalog import Catalog
from service.catalog.checks import ClaimedCheck
from service.reconcile.reconciler import Questions, Reconciler
from tests.web.virtual_time import run

DAY = 86400.0
DRAIN = 20.0


class HungDatabase(Reconciler):
    """A reconciler whose database answers nothing more after `claims` claims, each of one question without an end."""

    def __init__(self, claims: int) -> None:
        self._claims = claims

    def may_ask(self) -> bool:
        return True

    async def claim(self, limit: int) -> list[Questions]:
        if not self._claims:
            await asyncio.sleep(DAY)
        self._claims -= 1
        return [(ClaimedCheck("task-1", "claim"),)]

    async def work(self, claimed: Questions) -> None:
        await asyncio.sleep(DAY)

    async def release(self, claimed: Sequence[ClaimedCheck], *, after: timedelta = timedelta()) -> None:
        await asyncio.sleep(DAY)


async def left_for_downloads(reconciler: Reconciler) -> float:
    """Seconds to drain that are left for what is stopped after the questions."""
    left: list[float] = []

    async def drain(seconds: float) -> None:
        left.append(seconds)

    background, catalog = Background(), Catalog(Path("never-opened.db"))
    background.start("archive", asyncio.Event().wait, drain=drain)  # type: ignore[arg-type]
    start_reconcile(Asking(catalog, None, reconciler, None, Nudge()), background)
    await asyncio.sleep(1.5)
    await background.stop(DRAIN)
    return left[0]


@pytest.mark.parametrize("claims", [0, 1, 8])
def test_a_database_that_hangs_leaves_downloads_their_time_to_drain(claims: int) -> None:
    assert run(left_for_downloads(HungDatabase(claims))) >= DRAIN - LONGEST_DRAIN - DRAIN_GRACE

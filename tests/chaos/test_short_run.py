"""A short seeded run of the chaos suite; `make chaos` runs it at full length."""

from pathlib import Path

import pytest

from tests.chaos.plan import Plan
from tests.chaos.run import run


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_nothing_is_lost_stored_twice_or_stray_through_kills_outages_and_full_disks(tmp_path: Path) -> None:
    outcome = await run(Plan(tasks=80, seed=20260501, rate=10, kills=4), tmp_path, say=print)
    assert outcome.wrong == []
    assert outcome.seen["kills"] >= 4
    assert outcome.storm.images >= 60

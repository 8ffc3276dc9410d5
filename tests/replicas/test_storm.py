"""A short seeded storm over replicas; `python -m tests.chaos --replicas` has it at any length."""

from pathlib import Path

import pytest

from tests.chaos.plan import Plan
from tests.replicas.run import run


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_nothing_is_lost_stored_twice_or_stray_while_replicas_die_and_database_and_bucket_fail(
    tmp_path: Path,
) -> None:
    # little is spoilt, as images that fail again and again wait for minutes
    plan = Plan(tasks=80, seed=20261731, rate=6, urls=8, spoilt=0.3, kills=4)
    outcome = await run(plan, tmp_path, say=print)
    assert outcome.wrong == []
    seen = outcome.seen
    assert seen["kills"] >= 4
    assert min(sum(seen[name] for name in seen if name.startswith(far)) for far in ("database: ", "bucket: ")) >= 1
    assert outcome.storm.images >= 60

"""The benchmarks work: each sends, looks up what it sent, and tells a figure, whatever it comes to."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import FULL, QUICK
from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.support.ceph_rgw import PACKAGES
from tests.support.packages import require

MORE = Goal("a", "b", "a second", Better.MORE, 0.5)
LESS = Goal("a", "b", "ms", Better.LESS, 1.5, slack=50)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_every_benchmark_finds_again_what_it_sent(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    require(request, {**PACKAGES, "aria2c": "aria2", "curl": "curl"})
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--out", str(out)]
    told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=380)
    assert told.returncode == 0, told.stderr
    figures = json.loads(out.read_text())["figures"]
    assert len(figures) >= len(FULL)
    assert all(figure["ours"] > 0 and figure["theirs"] > 0 for figure in figures)
    assert all(figure["what"] in told.stdout for figure in figures)


def test_whatever_is_measured_is_tried_quickly_as_well() -> None:
    assert list(QUICK) == list(FULL)


@pytest.mark.parametrize(
    ("goal", "pair", "holds"),
    [
        (MORE, Pair(50, 100), True),
        (MORE, Pair(49, 100), False),
        (LESS, Pair(200, 100), True),  # 1.5 times it, and 50 ms
        (LESS, Pair(201, 100), False),
        (LESS, Pair(10, 100), True),
    ],
)
def test_a_goal_is_reached_or_missed_by_the_median_of_the_rounds(goal: Goal, pair: Pair, holds: bool) -> None:
    outliers = [Pair(1, 1000), Pair(1000, 1)]
    assert Ratio(goal, [pair]).holds is holds
    assert Ratio(goal, [pair, *outliers]).holds is holds

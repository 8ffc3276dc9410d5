"""Each sync of the service fails, alone or with all for a while: nothing unsynced is acknowledged, nothing is lost."""

from collections.abc import Callable

import pytest

from tests.crash.conftest import FULL, Choose
from tests.crash.support.trial import Bench, Failure, summary

LASTING = 1.0
"""Seconds for which a disk stays ill."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600 if FULL else 300)]


async def test_nothing_is_lost_or_told_too_early_whichever_sync_fails(
    bench: Bench, choose: Choose, say: Callable[[str], None]
) -> None:
    syncs = [call for call in await bench.steps(later=False) if call.is_sync]
    numbers = choose(syncs)
    alone = [Failure(fail=number) for number in (numbers if FULL else numbers[::2])]
    lasting = [Failure(fail=number, lasting=LASTING) for number in (numbers if FULL else numbers[1::2])]
    trials = await bench.try_each([*alone, *lasting], later=False, say=say)
    say(summary(trials, f"failures of {len(syncs)} syncs"))
    assert [trial for trial in trials if trial.found] == []
    assert any(trial.met for trial in trials), "no sync failed: this test has tested nothing"
    assert sum(trial.acknowledged for trial in trials) > 0

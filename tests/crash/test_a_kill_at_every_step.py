"""The service ends at each step by which it changes its files; the next start makes good whatever that left."""

from collections.abc import Callable

import pytest

from tests.crash.conftest import FULL, Choose
from tests.crash.support.trial import Bench, Failure, Trial, summary

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600 if FULL else 300)]


async def test_nothing_is_lost_or_left_behind_wherever_the_service_is_killed(
    bench: Bench, choose: Choose, say: Callable[[str], None]
) -> None:
    steps = await bench.steps(later=True)
    failures = [Failure(kill=number) for number in choose(steps)]
    trials = await bench.try_each(failures, later=True, say=say)
    say(summary(trials, f"kills at {len(steps)} steps"))
    assert_all_is_well(trials)


async def test_nothing_is_lost_where_the_power_fails_before_a_sync(
    bench: Bench, choose: Choose, say: Callable[[str], None]
) -> None:
    """Only syncs change what a power cut leaves; just before one, most was promised since the last."""
    steps = await bench.steps(later=True)
    syncs = [number for number, call in enumerate(steps, 1) if call.is_sync]
    chosen = choose([steps[number - 1] for number in syncs])
    failures = [Failure(kill=syncs[place - 1], power_cut=True) for place in chosen]
    trials = await bench.try_each([*failures, Failure(power_cut=True)], later=True, say=say)
    say(summary(trials, f"power cuts before {len(syncs)} syncs and at the end"))
    assert_all_is_well(trials)


def assert_all_is_well(trials: list[Trial]) -> None:
    assert [trial for trial in trials if trial.found] == []
    assert any(trial.met for trial in trials), "nothing was killed: this test has tested nothing"
    assert sum(trial.acknowledged for trial in trials) > 0

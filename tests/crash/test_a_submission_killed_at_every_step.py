"""The service ends at each step of a submission: every request is paid once, and every image of it is kept."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.crash.conftest import FULL, Choose
from tests.crash.support.by_client import ByClient
from tests.crash.support.by_command import ByCommand
from tests.crash.support.door import why_no_door
from tests.crash.support.submission_trial import New, SubmissionBench, summary
from tests.system.support.authority import new_authority
from tests.system.support.gateway import Way
from tests.system.support.wall_clock import why_no_clock

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3 * 3600 if FULL else 300),
    pytest.mark.skipif(why_no_clock() is not None, reason=str(why_no_clock())),
]


@pytest.fixture
def bench(tmp_path: Path) -> SubmissionBench:
    """Where servers are tried; skips where system calls cannot be held up."""
    reason = why_no_door(tmp_path)
    if reason is not None:
        pytest.skip(reason)
    return SubmissionBench(tmp_path, new_authority(tmp_path))


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(partial(ByClient, at_once=True, way=Way.OPEN), id="at once"),
        pytest.param(partial(ByClient, at_once=False, way=Way.ANSWER_CUT), id="answers lost"),
        pytest.param(ByCommand, id="by command"),
    ],
)
async def test_every_request_is_paid_once_and_its_images_are_kept_wherever_the_service_is_killed(
    bench: SubmissionBench, new: New, choose: Choose, say: Callable[[str], None]
) -> None:
    steps, begun = await bench.steps(new)
    kills = [begun + number for number in choose(steps[begun:])]
    trials = await bench.try_each(new, kills, say=say)
    say(summary(trials, f"kills at {len(steps) - begun} steps"))
    assert [trial for trial in trials if trial.found] == []
    assert any(trial.met for trial in trials), "nothing was killed: this test has tested nothing"

"""Steps of the wall clock: which are noticed, what they may clear, and what they kill."""

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.asset import AssetStatus, failed, new_asset, retried
from service.domain.attempt import Failed, Failure
from service.domain.clock_step import LONGEST_WAIT, Look, clear_before, step_between
from service.domain.retry import AFTER_LADDER, JITTER, LAST_ATTEMPT, QUICK_ATTEMPTS

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR, DAY, NONE = timedelta(hours=1), timedelta(days=1), timedelta()
BEFORE = Look(NOW, 100.0)
DOWN = Failed(Failure.UNREACHABLE, "no route")
LINK, HOSTS = "https://files.evolink.ai/a/0.png", ("*.evolink.ai",)


@pytest.mark.parametrize("step", [DAY, -DAY, HOUR, -HOUR, timedelta(minutes=-1)])
def test_a_step_is_what_the_wall_clock_moved_beyond_the_time_that_passed(step: timedelta) -> None:
    assert step_between(BEFORE, Look(NOW + timedelta(seconds=7) + step, 107.0)) == step


@pytest.mark.parametrize("seconds", [-59, 0, 59])
def test_small_corrections_and_the_passing_of_time_are_no_steps(seconds: int) -> None:
    assert step_between(BEFORE, Look(NOW + HOUR + timedelta(seconds=seconds), 100.0 + 3600)) == NONE


def test_no_wait_between_two_attempts_is_longer_than_what_is_called_the_longest() -> None:
    assert AFTER_LADDER * (1 + JITTER) + LAST_ATTEMPT < LONGEST_WAIT


def test_a_pass_clears_what_its_time_is_over_for_and_at_most_a_day_more_than_the_last_one() -> None:
    assert clear_before(NOW, None) == NOW
    assert clear_before(NOW, NOW - HOUR) == NOW
    assert clear_before(NOW + 365 * DAY, NOW) == NOW + DAY
    assert clear_before(NOW - DAY, NOW) == NOW - DAY
    assert clear_before(NOW, datetime(1970, 1, 1, tzinfo=UTC)) > datetime(2024, 1, 1, tzinfo=UTC)


def test_an_image_that_died_because_the_clock_was_far_ahead_comes_back_by_a_retry() -> None:
    asset, ahead = new_asset("task-a", 0, LINK, now=NOW, deadline=NOW + DAY, allowed_hosts=HOSTS), NOW + 3 * DAY
    for _ in range(QUICK_ATTEMPTS):
        assert asset.status is AssetStatus.PENDING
        asset = failed(asset, DOWN, tried=LINK, now=ahead, jitter=0.5)
    assert (asset.status, asset.detail) == (AssetStatus.DEAD, "no route")
    back = retried(asset, now=NOW, allowed_hosts=HOSTS)
    assert (back.status, back.next_attempt_at, back.link) == (AssetStatus.PENDING, NOW, LINK)

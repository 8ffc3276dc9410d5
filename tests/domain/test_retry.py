"""The ladder and the deadline."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.attempt import Failure
from service.domain.retry import EARLIEST_CREATED, credible_created, link_deadline, next_attempt

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FAR = NOW + timedelta(hours=24)


def after(
    attempts: int, *, now: datetime = NOW, deadline: datetime = FAR, failure: Failure = Failure.UNREACHABLE
) -> datetime | None:
    return next_attempt(failure, attempts, now=now, deadline=deadline, jitter=0.5)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (1, 2), (2, 5), (3, 15), (4, 60), (5, 300), (6, 900), (7, 1800), (40, 1800)]
)
def test_the_ladder_has_these_rungs(attempts: int, seconds: int) -> None:
    assert after(attempts) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0), (2, 2), (3, 0), (8, 60), (9, 0), (10, 300), (11, 900)])
def test_two_links_share_each_of_the_quick_rungs(attempts: int, seconds: int) -> None:
    at = next_attempt(Failure.LINK_GONE, attempts, now=NOW, deadline=FAR, jitter=0.5, links=2)
    assert at == NOW + timedelta(seconds=seconds)


@given(st.integers(0, 50), st.floats(0, 1))
def test_jitter_stays_within_twenty_percent(attempts: int, jitter: float) -> None:
    exact, spread = after(attempts), next_attempt(Failure.TRUNCATED, attempts, now=NOW, deadline=FAR, jitter=jitter)
    assert exact is not None
    assert spread is not None
    assert abs((spread - NOW) - (exact - NOW)) <= (exact - NOW) * 0.2 + timedelta(microseconds=1)


def test_the_last_attempt_is_made_an_hour_past_the_deadline_and_then_no_more() -> None:
    deadline = NOW + timedelta(minutes=10)
    last = after(9, deadline=deadline)
    assert last == deadline + timedelta(hours=1)
    assert after(10, now=last, deadline=deadline) is None


def test_a_gone_link_past_its_time_is_tried_once_and_no_more() -> None:
    assert after(1, deadline=NOW - timedelta(hours=2), failure=Failure.LINK_GONE) is None


def test_a_flawed_answer_past_the_time_still_gets_the_quick_rungs() -> None:
    past = NOW - timedelta(hours=2)
    assert after(1, deadline=past, failure=Failure.TRUNCATED) == NOW + timedelta(seconds=2)
    assert after(5, deadline=past, failure=Failure.TRUNCATED) is None


@given(st.sampled_from(Failure), st.floats(0, 1))
def test_a_link_that_never_works_ends_after_a_bounded_number_of_attempts(failure: Failure, jitter: float) -> None:
    now, attempts = NOW, 0
    at: datetime | None = now
    while at is not None:
        assert at >= now
        now, attempts = at, attempts + 1
        at = next_attempt(failure, attempts, now=now, deadline=FAR, jitter=jitter)
        assert attempts < 100
    assert now >= FAR + timedelta(hours=1)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (NOW.timestamp() - 60, NOW - timedelta(seconds=60)),
        ((NOW.timestamp() - 60) * 1000, NOW - timedelta(seconds=60)),
        (NOW.timestamp() + 299, NOW + timedelta(seconds=299)),
        (NOW.timestamp() + 300, NOW + timedelta(seconds=300)),
        (NOW.timestamp() + 301, None),
        (EARLIEST_CREATED.timestamp(), EARLIEST_CREATED),
        (datetime(2023, 12, 31, tzinfo=UTC).timestamp(), None),
        (0.0, None),
        (-1e300, None),
        (1e300, None),
        (None, None),
    ],
)
def test_created_counts_only_where_it_can_be_true(created: float | None, expected: datetime | None) -> None:
    assert credible_created(created, NOW) == expected


def test_without_a_credible_creation_the_deadline_counts_from_receipt() -> None:
    assert link_deadline(None, NOW, timedelta(hours=24)) == NOW + timedelta(hours=24)


def test_more_jitter_is_a_longer_wait() -> None:
    ends = [next_attempt(Failure.TRUNCATED, 5, now=NOW, deadline=FAR, jitter=jitter) for jitter in (0.0, 0.5, 1.0)]
    assert ends == [NOW + timedelta(seconds=seconds) for seconds in (240, 300, 360)]


def test_an_attempt_at_the_very_deadline_is_made_then() -> None:
    assert after(9, deadline=NOW + timedelta(minutes=30)) == NOW + timedelta(minutes=30)
    assert after(9, deadline=NOW + timedelta(minutes=29)) == NOW + timedelta(minutes=89)

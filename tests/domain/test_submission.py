"""Which lost request is which task: nothing is guessed, and nothing that may have arrived is called gone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.submission import (
    ARRIVES_WITHIN,
    CLOCKS_DIFFER,
    Again,
    Submission,
    SubmissionStatus,
    Unclaimed,
    again,
    is_idempotency_key,
    match,
    next_look,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
OVER = ARRIVES_WITHIN + CLOCKS_DIFFER


def sent(number: int, *, seconds: float = 0, model: str = "gpt-image-2") -> Submission:
    at = NOW + timedelta(seconds=seconds)
    return Submission(
        id=f"sub-{number}",
        source="evolink",
        key_name="team",
        fingerprint="",
        request=b"{}",
        model=model,
        kept_at=at,
        day=date(2026, 11, 1),
        sent_at=at,
    )


def task(number: int, *, seconds: float | None = 0, model: str | None = "gpt-image-2") -> Unclaimed:
    at = NOW + timedelta(seconds=seconds) if seconds is not None else None
    return Unclaimed(f"task-{number}", model, at)


def test_one_task_and_one_request_belong_together() -> None:
    assert match([sent(1)], [], [task(1, seconds=5)], now=NOW).found == {"sub-1": "task-1"}


def test_a_task_of_another_model_or_time_is_not_its_own() -> None:
    for other in (task(1, model="other"), task(1, seconds=-31), task(1, seconds=91)):
        assert match([sent(1)], [], [other], now=NOW).found == {}


def test_different_models_are_told_apart() -> None:
    lost = [sent(1), sent(2, model="gpt-image-2-beta")]
    found = match(lost, [], [task(1, model="gpt-image-2-beta"), task(2)], now=NOW).found
    assert found == {"sub-1": "task-2", "sub-2": "task-1"}


lost_ones = st.lists(st.integers(-300, 300), max_size=5).map(
    lambda times: [sent(number, seconds=at) for number, at in enumerate(times)]
)
tasks = st.lists(st.integers(-300, 300) | st.none(), max_size=5).map(
    lambda times: [task(number, seconds=at) for number, at in enumerate(times)]
)


@given(lost_ones, st.integers(0, 5), tasks, st.integers(-300, 600))
def test_what_is_matched_could_be_nothing_else(
    submissions: list[Submission], under_way: int, unclaimed: list[Unclaimed], seconds: int
) -> None:
    others, lost, now = submissions[:under_way], submissions[under_way:], NOW + timedelta(seconds=seconds)
    matched = match(lost, others, unclaimed, now=now)
    times = {one.task_id: one.created_at for one in unclaimed}

    def near(one: Submission, at: datetime | None) -> bool:
        return at is None or -CLOCKS_DIFFER <= at - one.sent_at <= OVER

    for one in lost:
        candidates = [task_id for task_id, at in times.items() if near(one, at)]
        if one.id in matched.found:
            assert candidates == [matched.found[one.id]]
            assert [rival.id for rival in submissions if near(rival, times[candidates[0]])] == [one.id]
            assert one.id not in matched.never_arrived
        if one.id in matched.never_arrived:
            assert not candidates
            assert None not in times.values()
            assert now >= one.sent_at + OVER
    assert set(matched.found) | set(matched.never_arrived) <= {one.id for one in lost}


def test_where_somebody_else_uses_the_account_nothing_is_matched() -> None:
    assert match([sent(1)], [], [task(1), task(2, seconds=-3000)], now=NOW).found == {}


@given(st.floats(0, 90_000))
def test_the_next_look_lies_ahead_and_none_is_missed_when_it_is_over(seconds: float) -> None:
    one, now = sent(1), NOW + timedelta(seconds=seconds)
    at = next_look(one, now)
    assert now < at <= now + timedelta(hours=1)
    assert not now < one.sent_at + OVER < at


@pytest.mark.parametrize("status", SubmissionStatus)
def test_only_what_surely_cost_nothing_is_sent_again(status: SubmissionStatus) -> None:
    kept = sent(1)
    sends = again(Submission(**{**{name: getattr(kept, name) for name in kept.__slots__}, "status": status}))
    assert (sends is Again.SEND) == (status in (SubmissionStatus.REFUSED, SubmissionStatus.UNSENT))


@pytest.mark.parametrize("text", ["0123456789abcdef", "A.b_c-9" * 10, "x" * 96])
def test_what_the_provider_takes_as_an_idempotency_key(text: str) -> None:
    assert is_idempotency_key(text)


@pytest.mark.parametrize("text", ["", "x" * 15, "x" * 97, "0123456789abcde/", "0123456789abcdef\n", "ä" * 20])
def test_what_it_does_not(text: str) -> None:
    assert not is_idempotency_key(text)


def test_a_task_of_nobodys_around_then_leaves_it_open_however_clocks_differ() -> None:
    later = NOW + timedelta(minutes=10)
    for seconds in (-45, 300, -3500):
        assert match([sent(1)], [], [task(1, seconds=seconds)], now=later).never_arrived == ()
    for other in (task(1, seconds=-4000), task(1, seconds=-45, model="other")):
        assert match([sent(1)], [], [other], now=later).never_arrived == ("sub-1",)


@pytest.mark.parametrize(
    ("lost_for", "wait"),
    [
        *((0, 1), (1.9, 1), (2, 2), (4, 5), (10, 15), (29, 15), (30, 30), (60, 30), (61, 29), (90, 300), (91, 300)),
        *((601, 900), (1801, 3600), (7200, 3600), (90_000, 3600)),
    ],
)
def test_looks_are_soon_at_first_and_then_seldom(lost_for: float, wait: float) -> None:
    now = NOW + timedelta(seconds=lost_for)
    assert next_look(sent(1), now) - now == timedelta(seconds=wait)


def test_edges_of_the_time_in_which_a_task_may_be_made_belong_to_it() -> None:
    for seconds in (-30, 90):
        assert match([sent(1)], [], [task(1, seconds=seconds)], now=NOW).found == {"sub-1": "task-1"}
    assert match([sent(1)], [], [], now=NOW + OVER).never_arrived == ("sub-1",)
    assert match([sent(1)], [], [], now=NOW + OVER - timedelta(seconds=1)).never_arrived == ()
    for seconds in (-3600, 3600):
        assert match([sent(1)], [], [task(1, seconds=seconds)], now=NOW + 2 * OVER).never_arrived == ()


def test_a_task_that_does_not_say_when_may_be_that_of_its_model_alone() -> None:
    assert match([sent(1)], [], [task(1, seconds=None)], now=NOW).found == {"sub-1": "task-1"}
    assert match([sent(1)], [], [task(1, seconds=None, model="other")], now=NOW).found == {}


def test_tasks_that_could_be_of_an_open_submission_are_undecided() -> None:
    matched = match([sent(1), sent(2)], [], [task(1), task(2), task(3, seconds=4000)], now=NOW)
    assert matched.found == {}
    assert matched.undecided == {"task-1", "task-2"}
    assert match([sent(1)], [], [task(1)], now=NOW).undecided == frozenset()

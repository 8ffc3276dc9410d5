"""What a task's history says of its events: which were contradicted by the end, and why each counted or did not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.history import WHY, Effect, HistoryEntry, contradicts, ends_differ
from service.domain.task import Origin, Rank, Standing, Task, TaskReason, TaskStatus, status_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENDS = (Rank.COMPLETED_WITHOUT_LINKS, Rank.CANCELLED, Rank.FAILED, Rank.COMPLETED)
SAME_END = {Rank.COMPLETED, Rank.COMPLETED_WITHOUT_LINKS}


def entry(rank: Rank, effect: Effect = Effect.HINT) -> HistoryEntry:
    return HistoryEntry(NOW, Origin.CALLBACK, rank.name.lower(), Standing.HINT, effect, rank)


def ended(rank: Rank) -> Task:
    status, reason = status_of(rank, has_assets=True)
    return Task(id="task-1", source="evolink", received_at=NOW, status=status, reason=reason, rank=rank)


def test_every_effect_is_told_in_words_of_its_own() -> None:
    assert set(WHY) == set(Effect)
    assert len(set(WHY.values())) == len(WHY)


@pytest.mark.parametrize("one", list(Rank))
@pytest.mark.parametrize("other", list(Rank))
def test_two_events_differ_where_both_are_ends_and_not_the_same_one(one: Rank, other: Rank) -> None:
    expected = one in ENDS and other in ENDS and one is not other and not {one, other} <= SAME_END
    assert ends_differ(one, other) is ends_differ(other, one) is expected


@pytest.mark.parametrize("rank", list(Rank))
def test_no_event_contradicts_a_task_that_it_decided(rank: Rank) -> None:
    assert not contradicts(entry(rank), ended(rank))


@pytest.mark.parametrize("said", ENDS)
def test_an_end_contradicts_no_task_that_has_not_ended(said: Rank) -> None:
    for rank in (Rank.NOTHING, Rank.PENDING, Rank.PROCESSING):
        assert not contradicts(entry(said), ended(rank))


@pytest.mark.parametrize("said", [Rank.NOTHING, Rank.PENDING, Rank.PROCESSING])
def test_progress_contradicts_no_end(said: Rank) -> None:
    assert not any(contradicts(entry(said), ended(rank)) for rank in ENDS)


def test_a_callback_that_calls_the_providers_failure_a_cancellation_agrees() -> None:
    agreed = replace(ended(Rank.FAILED), status=TaskStatus.CANCELLED, confirmed=True)
    assert not contradicts(entry(Rank.CANCELLED), agreed)
    assert not contradicts(entry(Rank.FAILED), agreed)
    assert contradicts(entry(Rank.COMPLETED), agreed)
    assert contradicts(entry(Rank.CANCELLED), ended(Rank.FAILED))


def test_giving_up_and_trying_again_contradict_nothing() -> None:
    dead = replace(ended(Rank.COMPLETED), status=TaskStatus.DEAD, reason=TaskReason.REFUTED)
    for effect in (Effect.GAVE_UP, Effect.RETRIED, Effect.TOLD, Effect.SEEN):
        assert not contradicts(entry(Rank.NOTHING, effect), dead)

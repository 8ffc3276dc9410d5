"""When the provider is asked again, and at which moment exactly its silence or ignorance counts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.check import (
    CONFIRM_LADDER,
    ESTIMATE_GRACE,
    FIRST_CHECK,
    LONG_SILENCE,
    OVERDUE_LADDER,
    Next,
    after_end,
    after_missing,
    after_not_yet,
    after_silence,
    after_throttling,
    begin,
    first_check,
    with_nobody_to_ask,
)
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, Rank, Task, TaskReason, TaskStatus
from tests.support.checked import MOMENT, NOW, PROCESSING, RULES, called_back, confirmed, task

KEYLESS = replace(RULES, mode=ConfirmMode.OFF, can_ask=False)
PATIENCE, HORIZON = RULES.patience, RULES.horizon


def silence(one: Task, *, now: datetime, rules: Rules = RULES, images: int = 1, reachable: bool = False) -> Next:
    return after_silence(one, images=images, reachable=reachable, now=now, rules=rules)


def unasked(one: Task, *, now: datetime, rules: Rules = KEYLESS, images: int = 1) -> Next:
    return with_nobody_to_ask(one, images=images, now=now, rules=rules)


def waits(first: Task, times: int) -> list[timedelta]:
    """The waits between questions that are all answered by "not yet"."""
    now, found = NOW, []
    for _ in range(times):
        following = after_not_yet(first, PROCESSING, now=now, rules=RULES).check
        assert following.at is not None
        found.append(following.at - now)
        now, first = following.at, replace(first, check=following)
    return found


def test_a_hint_brings_the_next_question_forward_and_never_puts_it_off() -> None:
    later, sooner = Check(at=NOW + timedelta(hours=1), asked=7), Check(at=NOW - timedelta(hours=1))
    assert begin(later, NOW) == Check(at=NOW, since=NOW, asked=0)
    assert begin(sooner, NOW).at == sooner.at
    assert begin(later, NOW, after=timedelta(hours=2)).at == later.at


def test_a_hint_gives_no_patience_back_that_was_spent() -> None:
    spent = Check(NOW, NOW, 9, missing_since=NOW, silent_since=NOW)
    again = begin(spent, NOW + timedelta(minutes=4))
    assert (again.since, again.missing_since, again.silent_since) == (NOW, NOW, NOW)


def test_a_told_task_is_asked_about_soon_with_a_key_and_given_its_whole_time_without() -> None:
    assert first_check(NOW, rules=RULES).at == NOW + FIRST_CHECK
    assert first_check(NOW, rules=KEYLESS).at == NOW + HORIZON


def test_not_yet_after_a_terminal_callback_is_asked_again_after_2_5_15_60_s_then_every_5_min() -> None:
    assert waits(called_back(), 7) == [timedelta(seconds=s) for s in (2, 5, 15, 60, 300, 300, 300)]


def test_not_yet_without_any_callback_is_asked_again_less_often() -> None:
    assert waits(task(), 7) == [*OVERDUE_LADDER, OVERDUE_LADDER[-1], OVERDUE_LADDER[-1]]


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(0, OVERDUE_LADDER[0]), (60, timedelta(seconds=60) + ESTIMATE_GRACE), (86400 * 7, OVERDUE_LADDER[-1])],
)
def test_an_estimate_puts_the_question_off_within_bounds(seconds: float, wait: timedelta) -> None:
    event = replace(PROCESSING, estimated_seconds=seconds)
    assert after_not_yet(task(created_at=NOW), event, now=NOW, rules=RULES).check.at == NOW + wait
    hinted = after_not_yet(called_back(created_at=NOW), event, now=NOW, rules=RULES)
    assert hinted.check.at == NOW + CONFIRM_LADDER[0]


def test_a_task_is_asked_about_exactly_at_the_horizon_and_given_up_only_then() -> None:
    before = after_not_yet(task(Check(NOW, NOW, 50)), PROCESSING, now=NOW + HORIZON - MOMENT, rules=RULES)
    assert (before.gives_up, before.check.at) == (None, NOW + HORIZON)
    at = after_not_yet(task(Check(NOW, NOW, 50)), PROCESSING, now=NOW + HORIZON, rules=RULES)
    assert (at.gives_up, at.check) == (TaskReason.NEVER_FINISHED, Check())


def test_not_yet_ends_ignorance_and_silence() -> None:
    check = after_not_yet(task(Check(NOW, NOW, 1, NOW, NOW, NOW)), PROCESSING, now=NOW, rules=RULES).check
    assert check == Check(check.at, NOW, 2)


@pytest.mark.parametrize(
    ("rank", "reason"), [(Rank.NOTHING, TaskReason.UNKNOWN_TO_PROVIDER), (Rank.CANCELLED, TaskReason.REFUTED)]
)
def test_an_unknown_task_is_asked_about_exactly_at_the_end_of_the_patience_and_given_up_only_then(
    rank: Rank, reason: TaskReason
) -> None:
    unknown = called_back(Check(NOW, NOW, 4, missing_since=NOW), rank=rank)
    before = after_missing(unknown, now=NOW + PATIENCE - MOMENT, rules=RULES)
    assert (before.gives_up, before.check.at) == (None, NOW + PATIENCE)
    at = after_missing(unknown, now=NOW + PATIENCE, rules=RULES)
    assert (at.gives_up, at.check) == (reason, Check())


def test_a_confirmed_task_that_the_provider_has_forgotten_is_left_as_it_is() -> None:
    assert after_missing(confirmed(Check(NOW, NOW, 4, missing_since=NOW)), now=NOW + HORIZON, rules=RULES) == Next(
        Check()
    )


def test_silence_between_two_times_of_not_knowing_takes_back_neither() -> None:
    first = after_missing(task(), now=NOW, rules=RULES).check
    silent = silence(task(first), now=NOW + timedelta(minutes=1)).check
    again = after_missing(task(silent), now=NOW + timedelta(minutes=2), rules=RULES)
    assert (again.gives_up, again.check.missing_since, again.check.silent_since) == (None, NOW, None)


def test_silence_gives_nothing_up_however_long() -> None:
    for hours in (0, 1, 23, 24, 24 * 365):
        silent = task(Check(NOW, NOW, 99, silent_since=NOW))
        following = silence(silent, now=NOW + timedelta(hours=hours))
        assert following.gives_up is None
        assert following.check.at is not None


def test_callbacks_are_believed_exactly_at_the_end_of_the_patience() -> None:
    silent = called_back(Check(NOW, NOW, 3, silent_since=NOW))
    before = silence(silent, now=NOW + PATIENCE - MOMENT)
    assert (before.believe, before.check.at) == (False, NOW + PATIENCE)
    assert silence(silent, now=NOW + PATIENCE).believe


def test_a_silence_about_one_task_alone_is_no_reason_to_believe_and_gives_up_no_task_at_once() -> None:
    silent = called_back(Check(NOW, NOW, 3, silent_since=NOW))
    assert not silence(silent, now=NOW + PATIENCE, reachable=True).believe
    first = silence(called_back(Check(NOW, NOW, 99)), now=NOW + HORIZON, reachable=True)
    assert (first.gives_up, first.check.at is None) == (None, False)


def test_required_never_believes_and_off_at_once() -> None:
    required, off = (replace(RULES, mode=mode) for mode in (ConfirmMode.REQUIRED, ConfirmMode.OFF))
    assert silence(called_back(), now=NOW, rules=off).believe
    silent = called_back(Check(NOW, NOW, 3, silent_since=NOW))
    for hours in (1, 23, 25, 1000):
        assert not silence(silent, now=NOW + timedelta(hours=hours), rules=required).believe


def test_there_is_nothing_to_believe_without_an_end_or_after_the_providers_word() -> None:
    silent = Check(NOW, NOW, 3, silent_since=NOW)
    for one in (task(silent), task(silent, callback_rank=Rank.PROCESSING), confirmed(silent)):
        assert not silence(one, now=NOW + PATIENCE).believe


def test_what_was_believed_is_believed_again_only_where_callbacks_say_more() -> None:
    silent = Check(NOW, NOW, 3, silent_since=NOW)
    failed = called_back(silent, rank=Rank.FAILED)
    assert silence(failed, now=NOW + PATIENCE).believe
    done = called_back(silent, rank=Rank.COMPLETED)
    assert not silence(done, now=NOW + PATIENCE).believe
    assert silence(done, now=NOW + PATIENCE, images=0).believe


def test_a_round_older_than_the_horizon_is_asked_about_hourly_and_ends_where_only_links_were_wanted() -> None:
    old = Check(NOW, NOW, 99, silent_since=NOW)
    assert silence(task(old), now=NOW + HORIZON).check.at == NOW + HORIZON + LONG_SILENCE
    assert silence(confirmed(old), now=NOW + HORIZON) == Next(Check())


def test_the_patience_with_silence_is_no_longer_in_an_old_round() -> None:
    first_silence = silence(called_back(Check(NOW, NOW, 9)), now=NOW + HORIZON).check
    assert first_silence.at is not None
    assert first_silence.at <= NOW + HORIZON + PATIENCE


def test_throttling_only_moves_the_question() -> None:
    check = Check(NOW, NOW, 3, missing_since=NOW)
    later = NOW + timedelta(minutes=3)
    following = after_throttling(task(check), 90.5, now=later)
    assert following == Next(replace(check, at=later + timedelta(seconds=90.5)))


def test_throttling_spends_no_patience_with_silence() -> None:
    silent = silence(called_back(), now=NOW).check
    throttled = after_throttling(called_back(silent), 600, now=NOW + timedelta(seconds=2)).check
    assert not silence(called_back(throttled), now=NOW + timedelta(seconds=602)).believe


def test_without_a_key_a_told_task_is_given_up_exactly_at_the_horizon() -> None:
    told = task(first_check(NOW, rules=KEYLESS))
    before = unasked(told, now=NOW + HORIZON - MOMENT)
    assert (before.gives_up, before.check.at) == (None, NOW + HORIZON)
    assert unasked(told, now=NOW + HORIZON).gives_up is TaskReason.NEVER_FINISHED
    assert unasked(confirmed(), now=NOW + HORIZON) == Next(Check())


ANSWERS = st.lists(st.sampled_from(["not yet", "missing", "silent", "throttled", "lacking"]), min_size=1, max_size=40)


@given(ANSWERS, st.sampled_from(list(ConfirmMode)), st.booleans())
def test_every_answer_ends_the_asking_or_plans_a_later_question(
    answers: Sequence[str], mode: ConfirmMode, hinted: bool
) -> None:
    now, rules, one = NOW, replace(RULES, mode=mode), called_back() if hinted else task()
    for answer in answers:
        following = {
            "not yet": lambda one=one, now=now: after_not_yet(one, PROCESSING, now=now, rules=rules),
            "missing": lambda one=one, now=now: after_missing(one, now=now, rules=rules),
            "silent": lambda one=one, now=now: silence(one, now=now, rules=rules),
            "throttled": lambda one=one, now=now: after_throttling(one, 30, now=now),
            "lacking": lambda one=one, now=now: after_end(one, lacking=True, now=now, rules=rules),
        }[answer]()
        if following.check.at is None:
            assert following.gives_up is not None or answer == "lacking"
            return
        assert following.check.at > now
        assert following.check.since == NOW
        now, one = following.check.at, replace(one, check=following.check)


def test_every_round_remembers_when_it_began() -> None:
    for following in (
        after_not_yet(task(Check()), PROCESSING, now=NOW, rules=RULES),
        after_missing(task(Check()), now=NOW, rules=RULES),
        silence(task(Check()), now=NOW),
        unasked(task(Check()), now=NOW),
    ):
        assert following.check.since == NOW


def test_an_end_that_only_a_callback_told_of_is_asked_about_hourly_once_the_round_is_old() -> None:
    old = called_back(Check(NOW, NOW, 7), status=TaskStatus.COMPLETED, rank=Rank.COMPLETED)
    following = after_not_yet(old, PROCESSING, now=NOW + HORIZON, rules=RULES)
    assert following == Next(Check(NOW + HORIZON + LONG_SILENCE, NOW, 8))
    assert after_not_yet(confirmed(Check(NOW, NOW, 7)), PROCESSING, now=NOW + HORIZON, rules=RULES) == Next(Check())


def test_a_completed_task_without_links_was_told_of_too() -> None:
    linkless = task(callback_rank=Rank.COMPLETED_WITHOUT_LINKS)
    assert waits(linkless, 1) == [CONFIRM_LADDER[0]]
    believed = called_back(Check(NOW, NOW, 4, missing_since=NOW), rank=Rank.COMPLETED_WITHOUT_LINKS)
    assert after_missing(believed, now=NOW + PATIENCE, rules=RULES).gives_up is TaskReason.REFUTED


def test_in_an_old_round_a_long_silence_is_a_reason_to_believe_and_the_questions_are_counted() -> None:
    old = called_back(Check(NOW, NOW, 7, silent_since=NOW))
    following = after_silence(old, images=1, now=NOW + HORIZON, rules=RULES)
    assert following == Next(Check(NOW + HORIZON + LONG_SILENCE, NOW, 8, silent_since=NOW), believe=True)


@pytest.mark.parametrize("reason", [TaskReason.REFUTED, TaskReason.UNKNOWN_TO_PROVIDER])
def test_what_the_provider_denied_is_not_believed_nor_is_what_it_confirmed(reason: TaskReason) -> None:
    silent = Check(NOW, NOW, 3, silent_since=NOW)
    assert silence(called_back(silent), now=NOW + PATIENCE).believe
    assert not silence(called_back(silent, reason=reason), now=NOW + PATIENCE).believe
    assert not silence(called_back(silent, confirmed=True), now=NOW + PATIENCE).believe


def test_with_nobody_to_ask_callbacks_are_believed_only_where_the_mode_says_so() -> None:
    assert unasked(called_back(), now=NOW) == Next(Check(), believe=True)
    preferred = unasked(called_back(Check()), now=NOW, rules=replace(KEYLESS, mode=ConfirmMode.PREFERRED))
    assert preferred == Next(Check(NOW + HORIZON, NOW))
    assert unasked(task(), now=NOW + HORIZON) == Next(Check(), gives_up=TaskReason.NEVER_FINISHED)

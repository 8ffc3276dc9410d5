"""When the provider is not asked at all, and how it is tried again."""

import pytest

from service.provider.breaker import Breaker, BreakerState, Judgement

LONG = 10_000.0


def breaker(jitter: float = 0.5) -> Breaker:
    return Breaker(jitter=lambda: jitter)


def tell(one: Breaker, judgement: Judgement, now: float = 0.0, *, task_id: str = "task-a", reason: str = "") -> None:
    """Let a request through and learn from it."""
    assert one.passes(now)
    one.leave(one.enter(), judgement, now, task_id=task_id, reason=reason)


def failed(times: int = 5, **arguments: float) -> Breaker:
    one = breaker(**arguments)
    for _ in range(times):
        tell(one, Judgement.FAILED)
    return one


def refused() -> Breaker:
    one = breaker()
    tell(one, Judgement.REFUSED)
    return one


def waits(one: Breaker, judgement: Judgement, probes: int) -> list[float]:
    """How long it stays shut each time, to a tenth of a second, while so many probes end alike."""
    now, found = 0.0, []
    for _ in range(probes):
        began = now
        while not one.passes(now):
            now = round(now + 0.1, 1)
        found.append(round(now - began, 1))
        tell(one, judgement, now)
    return found


def test_four_failures_are_endured_and_the_fifth_opens_it() -> None:
    assert failed(4).state is BreakerState.CLOSED
    assert failed(5).state is BreakerState.DOWN
    assert not failed(5).passes(0.9)


def test_a_good_answer_between_failures_counts() -> None:
    one = failed(4)
    tell(one, Judgement.GOOD)
    for _ in range(4):
        tell(one, Judgement.FAILED)
    assert one.state is BreakerState.CLOSED


def test_it_stays_shut_twice_as_long_after_each_failed_probe_up_to_a_minute() -> None:
    assert waits(failed(), Judgement.FAILED, 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_refused_key_is_tried_after_one_minute_up_to_ten() -> None:
    assert waits(refused(), Judgement.REFUSED, 6) == [60, 120, 240, 480, 600, 600]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 0.9), (0.5, 1.0), (1.0, 1.1)])
def test_waits_are_spread_by_a_tenth(jitter: float, wait: float) -> None:
    one = failed(jitter=jitter)
    assert not one.passes(wait - 0.01)
    assert one.passes(wait + 0.01)


def test_only_one_probe_passes_at_a_time() -> None:
    one = failed()
    ticket = one.enter() if one.passes(1.0) else None
    assert ticket is not None
    assert not one.passes(LONG)


def test_a_good_probe_closes_it_and_begins_anew() -> None:
    one = failed()
    waits(one, Judgement.FAILED, 3)
    tell(one, Judgement.GOOD, LONG)
    assert (one.state, one.reason) == (BreakerState.CLOSED, "")
    for _ in range(5):
        tell(one, Judgement.FAILED, LONG)
    assert not one.passes(LONG + 0.9)
    assert one.passes(LONG + 1.0)


def test_a_probe_that_tells_nothing_makes_room_for_the_next() -> None:
    one = failed()
    tell(one, Judgement.NOTHING, 1.0)
    assert one.state is BreakerState.DOWN
    assert one.passes(1.0)


def test_what_was_sent_before_it_opened_changes_nothing_any_more() -> None:
    one = breaker()
    tickets = [one.enter() for _ in range(8)]
    for ticket in tickets[:5]:
        one.leave(ticket, Judgement.FAILED, 0.0)
    for ticket in tickets[5:]:
        one.leave(ticket, Judgement.FAILED, 0.0)
    assert one.passes(1.0)


def test_what_was_sent_before_it_closed_again_is_no_failure() -> None:
    one = breaker()
    late = [one.enter() for _ in range(5)]
    for _ in range(5):
        tell(one, Judgement.FAILED)
    tell(one, Judgement.GOOD, 1.0)
    for ticket in late:
        one.leave(ticket, Judgement.FAILED, 2.0)
    assert one.state is BreakerState.CLOSED


def test_a_probe_that_is_refused_turns_down_into_refused() -> None:
    one = failed()
    tell(one, Judgement.REFUSED, 1.0)
    assert one.state is BreakerState.REFUSED
    assert not one.passes(60.9)
    assert one.passes(61.0)


def test_a_refused_key_stays_refused_while_the_provider_is_down() -> None:
    one = refused()
    tell(one, Judgement.FAILED, 60.0)
    assert one.state is BreakerState.REFUSED
    assert not one.passes(60.0 + 119.0)


def test_bad_answers_about_three_tasks_in_a_row_arouse_suspicion_and_stop_nobody() -> None:
    one = breaker()
    for task_id in ("task-a", "task-b", "task-c"):
        assert not one.suspects
        tell(one, Judgement.SUSPECT, task_id=task_id)
    assert (one.suspects, one.state) == (True, BreakerState.CLOSED)


def test_one_task_that_is_asked_for_again_arouses_none() -> None:
    one = breaker()
    for _ in range(20):
        tell(one, Judgement.SUSPECT, task_id="task-a")
    assert not one.suspects


def test_a_good_answer_ends_a_suspicion() -> None:
    one = breaker()
    for task_id in ("task-a", "task-b", "task-c", "task-d"):
        tell(one, Judgement.SUSPECT, task_id=task_id)
    tell(one, Judgement.GOOD)
    assert not one.suspects


def test_a_neutral_question_that_fails_opens_it_at_once() -> None:
    one = breaker()
    tell(one, Judgement.DOWN)
    assert one.state is BreakerState.DOWN
    assert not one.passes(0.9)


def test_a_refused_key_that_is_answered_badly_is_still_refused() -> None:
    one = refused()
    tell(one, Judgement.SUSPECT, 60.0)
    assert not one.passes(60.0 + 119.0)


def test_the_reason_is_the_last_one() -> None:
    one = breaker()
    tell(one, Judgement.REFUSED, reason="401")
    assert one.reason == "401"
    tell(one, Judgement.REFUSED, 60.0, reason="402")
    assert one.reason == "402"

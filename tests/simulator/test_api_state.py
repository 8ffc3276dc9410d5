from typing import Any

import pytest

from service.simulator.api_habits import ApiHabits
from service.simulator.api_state import ApiState, ApiSwitch, Condition


def turned(*changes: dict[str, Any]) -> ApiSwitch:
    switch = ApiSwitch(ApiHabits())
    for members in changes:
        switch.turn(members)
    return switch


def test_it_begins_well_with_the_habits_of_the_options() -> None:
    switch = ApiSwitch(ApiHabits(no_batch=True))
    assert switch.state == ApiState()
    assert (switch.state.state, switch.habits.no_batch) == (Condition.OK, True)


def test_a_state_starts_afresh_with_what_is_given_for_it() -> None:
    slow = turned({"state": "slow", "seconds": 2, "submit": True})
    assert slow.state == ApiState(state=Condition.SLOW, seconds=2, submit=True)
    slow.turn({"state": "down"})
    assert slow.state == ApiState(state=Condition.DOWN)


def test_habits_that_are_not_named_stay_and_so_does_the_state() -> None:
    switch = turned({"state": "down"}, {"no_list": True, "behind_seconds": 1}, {"behind_seconds": 0.5})
    assert switch.habits == ApiHabits(no_list=True, behind_seconds=0.5)
    assert switch.state.state is Condition.DOWN


def test_it_shows_everything_that_can_be_turned() -> None:
    document = turned({"state": "throttling", "retry_after": 7}).document()
    assert (document["state"], document["retry_after"], document["no_batch"]) == ("throttling", 7, False)
    assert turned(document).document() == document


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "asleep"},
        {"state": None},
        {"weather": "fine"},
        {"seconds": 1},
        {"state": "slow", "seconds": "1"},
        {"state": "slow", "seconds": -1},
        {"state": "slow", "seconds": float("inf")},
        {"state": "throttling", "retry_after": 0.5},
        {"state": "throttling", "retry_after": -1},
        {"state": "down", "submit": 1},
        {"behind_seconds": True},
        {"unknown_seconds": float("nan")},
        {"no_batch": "yes"},
        {"plain_failed": True},
    ],
)
def test_a_wrong_member_is_refused_and_nothing_is_changed(wrong: dict[str, Any]) -> None:
    switch = ApiSwitch(ApiHabits())
    with pytest.raises(ValueError, match=r"\w"):
        switch.turn({"no_list": True, **wrong})
    assert (switch.state, switch.habits) == (ApiState(), ApiHabits())


def test_all_that_is_wrong_leaves_the_state_too() -> None:
    switch = ApiSwitch(ApiHabits())
    with pytest.raises(ValueError, match="plain_failed"):
        switch.turn({"state": "down", "plain_failed": True})
    assert switch.state == ApiState()

"""What the task API is going through, and its habits: one switch for both that is turned while the stand-in runs.

It decides nothing about a request; `api_gate` does.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from service.simulator.api_habits import ApiHabits


class Condition(StrEnum):
    """What every request meets."""

    OK = "ok"
    DOWN = "down"  # 503
    REFUSING = "refusing"  # 401, as if the key were not valid
    BROKE = "broke"  # 402
    FORBIDDEN = "forbidden"  # 403
    THROTTLING = "throttling"  # 429 with Retry-After
    SLOW = "slow"  # answered well, but later
    SILENT = "silent"  # taken and never answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiState:
    """A condition; raises ValueError for times that make no sense."""

    state: Condition = Condition.OK
    retry_after: int = 1  # what `throttling` says, in seconds
    seconds: float = 3.0  # how long `slow` takes
    submit: bool = False  # whether submissions meet it too, not reads alone

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and min(self.seconds, self.retry_after) >= 0):
            raise ValueError("seconds and retry_after: from 0")


_STATE, _HABITS = ({field.name for field in fields(kind)} for kind in (ApiState, ApiHabits))
_Values = TypeVar("_Values", ApiState, ApiHabits)


class ApiSwitch:
    """State and habits of the task API as they are now."""

    def __init__(self, habits: ApiHabits) -> None:
        self.habits = habits
        self.state = ApiState()

    def document(self) -> dict[str, Any]:
        return {**asdict(self.state), "state": self.state.state.value, **asdict(self.habits)}

    def turn(self, members: Mapping[str, Any]) -> None:
        """Change what is named. A `state` starts afresh with what is given for it; habits not named stay.

        Raises ValueError, and changes nothing, for a member that is unknown or has a wrong value.
        """
        if unknown := set(members) - _STATE - _HABITS:
            raise ValueError(f"{min(unknown)!r} is none of {', '.join(sorted(_STATE | _HABITS))}")
        told = {name: value for name, value in members.items() if name in _STATE}
        if told and "state" not in told:
            raise ValueError(f"{min(told)} goes with a state")
        state = _changed(ApiState(), told) if told else self.state
        self.habits = _changed(self.habits, {name: value for name, value in members.items() if name in _HABITS})
        self.state = state


_SORTS: Mapping[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    Condition: ((str,), f"one of {', '.join(Condition)}"),
}


def _changed(values: _Values, members: Mapping[str, Any]) -> _Values:
    defaults = type(values)()
    return replace(values, **{name: _like(getattr(defaults, name), name, value) for name, value in members.items()})


def _like(default: object, name: str, value: Any) -> Any:
    """The value, if it is of the same sort as the default."""
    sorts, words = _SORTS[type(default)]
    if type(value) not in sorts or (isinstance(default, Condition) and value not in tuple(Condition)):
        raise ValueError(f"{name} is {words}")
    return Condition(value) if isinstance(default, Condition) else value

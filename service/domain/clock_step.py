"""What it means for planned work when the wall clock is set: whose word counts, and how far. Pure; times are passed in.

A clock that was ahead has written times that lie far ahead, and work must not sleep until they come: after a step back
all that waits is due at once, which costs one early attempt each. A clock that is set ahead makes a patience seem to be
over of which nobody has waited a minute: after a step forward each begins anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.retry import EARLIEST_CREATED

NOTICED = timedelta(minutes=1)
"""A smaller step costs less than it would to mend; clocks that are corrected by moments step often."""

LONGEST_WAIT = timedelta(hours=2)
"""More than the longest wait between two attempts, the last one after a deadline included: at a start, when no step can
be seen, what is planned for later was written by a clock that was ahead."""

MOST_CLEARED = timedelta(days=1)
"""What one pass may clear beyond the last one: a clock a year ahead costs a day of bodies an hour, and is noticed."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at both clocks; `steady` are seconds that nobody sets."""

    wall: datetime
    steady: float


def step_between(before: Look, after: Look) -> timedelta:
    """How far the wall clock was set between two looks, forward above zero; zero for what is not worth noticing."""
    step = after.wall - before.wall - timedelta(seconds=after.steady - before.steady)
    return step if abs(step) >= NOTICED else timedelta()


def clear_before(wanted: datetime, reached: datetime | None) -> datetime:
    """Up to when a pass clears: what the clock says, but not far beyond what the last pass `reached`."""
    return wanted if reached is None else min(wanted, max(reached, EARLIEST_CREATED) + MOST_CLEARED)

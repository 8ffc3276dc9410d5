"""What a case of an alert is made of: series of two replicas, step by step, and when it has to fire or must not.

Steps are minutes unless a case says otherwise. Moments are inclusive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tests.charts.promtool import GONE, NOTHING, Series, Value

GIB = 1 << 30
HOURS = 60
WEEK = 7 * 24 * HOURS


@dataclass(frozen=True, slots=True)
class Fires:
    """`alert` is silent until `silent` and fires at `fires`, once for each of `labels`."""

    alert: str
    when: str
    series: Sequence[Series]
    silent: int
    fires: int
    labels: Sequence[Mapping[str, str]] = field(default_factory=lambda: ({},))
    every: int = 1


@dataclass(frozen=True, slots=True)
class Silent:
    """`alert` does not fire from `since` until `until`, the end of the series."""

    alert: str
    when: str
    series: Sequence[Series]
    until: int = 3 * HOURS
    every: int = 1
    since: int = 0


def held(value: Value, steps: int = 3 * HOURS + 1) -> list[Value]:
    return [value] * steps


def rising(by: float, steps: int = 3 * HOURS + 1, *, start: float = 0) -> list[Value]:
    """A counter that grows by so much each step."""
    return [start + by * step for step in range(steps)]


def jumps(before: float, at: int, after: float) -> list[Value]:
    """A counter or gauge that changes once."""
    return [*held(before, at), *held(after, 3 * HOURS + 1 - at)]


def replaced(before: float, at: int, after: float) -> tuple[list[Value], list[Value]]:
    """What two pods say of whom the second takes the place of the first, a few minutes later."""
    return [*held(before, at), GONE], [*held(NOTHING, at + 4), *held(after, 3 * HOURS - 3 - at)]


def both(name: str, values: Sequence[Value], **labels: str) -> list[Series]:
    """The same in two replicas."""
    return [Series(name, values, {"pod": pod, **labels}) for pod in ("a", "b")]


def one(name: str, values: Sequence[Value], **labels: str) -> Series:
    return Series(name, values, {"pod": "a", **labels})


def other(name: str, values: Sequence[Value], **labels: str) -> Series:
    return Series(name, values, {"pod": "b", **labels})


def callbacks(verdict: str, values: Sequence[Value], pod: str = "a") -> Series:
    return Series("darkroom_callbacks_total", values, {"pod": pod, "source": "evolink", "verdict": verdict})


def acknowledged(within: Mapping[str, float], pod: str = "a") -> list[Series]:
    """How many answers a minute take up to so many seconds each, by bucket."""
    buckets = accumulate(within.values())
    return [
        Series("darkroom_ack_seconds_bucket", rising(total), {"pod": pod, "le": le})
        for le, total in zip(within, buckets, strict=True)
    ]


EXPIRY, PENDING = "darkroom_next_expiry_seconds", "darkroom_assets_pending"
OLDEST, DEAD, ATTEMPTS = "darkroom_oldest_pending_seconds", "darkroom_dead_total", "darkroom_assets_total"
READY, UP, ASKED = "darkroom_ready", "up", "darkroom_reconcile_total"
FREE, LEAST, VERSION = "darkroom_free_bytes", "darkroom_min_free_bytes", "darkroom_build_info"
KEY_REFUSED, STARTED = "darkroom_provider_key_refused", "process_start_time_seconds"
SUBMITTED, UNCLEAR, WARNED = (
    "darkroom_submissions_total",
    "darkroom_submissions_unclear",
    "darkroom_budget_warnings_total",
)
TOLD, UNTOLD = "darkroom_events_total", "darkroom_events_pending"

RESTARTED = [*rising(1, 60), *held(0, 2 * HOURS + 1)]
"""A counter that grew, and whose process was started anew two hours ago; nothing has happened since."""

"""What one callback token may use up, so that a leaked one neither fills the disk nor drowns the others. Pure.

Bounds are far above what an honest team does through a single token. Nothing here counts anything by itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

RATE = 200.0
"""Callbacks a second, sustained."""

BURST = 2000.0
"""Callbacks at once: a backlog that a provider sends after a rest of its own."""

BODY_STEP = 16 * 1024
"""Bytes of a body that one callback's worth pays for; real ones are a few KiB."""

MOST_STRAY_BYTES = 16 * 1024 * 1024
MOST_STRAY_ROWS = 1000
MOST_WAITING = 10_000
MOST_UNPROVEN_BYTES = 1024 * 1024 * 1024

ROW_BYTES = 4096
"""What a row counts at least, with its headers, its labels and its place in the indexes."""

NAME_AGAIN_AFTER = 30
"""Seconds after which to try again where too much waits for the provider's word."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: how many callbacks may come at `at` (seconds of any steady clock)."""

    level: float
    at: float


def full_bucket(now: float, *, burst: float = BURST) -> Bucket:
    return Bucket(burst, now)


def admit(bucket: Bucket, now: float, *, rate: float = RATE, burst: float = BURST) -> tuple[Bucket, float]:
    """The bucket after one more callback, and 0; or as it is, and the seconds until one will be let in."""
    level = min(burst, bucket.level + max(0.0, now - bucket.at) * rate)
    if level < 1:
        return Bucket(level, now), (1 - level) / rate
    return Bucket(level - 1, now), 0.0


def charge(bucket: Bucket, size: int) -> Bucket:
    """The bucket after a body of this size was read, for which its callback has paid the first step."""
    return Bucket(bucket.level - max(0, size - 1) // BODY_STEP, bucket.at)


@dataclass(frozen=True, slots=True)
class Spent:
    """What is kept for one token that nothing vouches for.

    Strays are unreadable and foreign callbacks: `stray_bytes` of those with a body, `stray_rows` without one.
    `waiting`: open tasks that nobody but its callbacks named. `unproven`: bytes of these, and of those that came to
    nothing, with all callbacks that name them.
    """

    stray_bytes: int = 0
    stray_rows: int = 0
    waiting: int = 0
    unproven: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.stray_bytes + other.stray_bytes,
            self.stray_rows + other.stray_rows,
            self.waiting + other.waiting,
            self.unproven + other.unproven,
        )

    def __sub__(self, other: "Spent") -> "Spent":
        return self + Spent(-other.stray_bytes, -other.stray_rows, -other.waiting, -other.unproven)


NOTHING_SPENT = Spent()


def room(size: int) -> int:
    """What a callback counts whose body has this size."""
    return max(size, ROW_BYTES)


class Keep(StrEnum):
    """How much of a callback is kept."""

    WHOLE = "whole"
    ROW = "row"  # its hash, its sender, its times, and that it came
    NOTHING = "nothing"


def keep_stray(spent: Spent, size: int) -> Keep:
    """How much is kept of another callback that is unreadable or foreign."""
    if spent.stray_bytes + room(size) <= MOST_STRAY_BYTES:
        return Keep.WHOLE
    return Keep.ROW if spent.stray_rows < MOST_STRAY_ROWS else Keep.NOTHING


def cost_of_stray(kept: Keep, size: int) -> Spent:
    match kept:
        case Keep.WHOLE:
            return Spent(stray_bytes=room(size))
        case Keep.ROW:
            return Spent(stray_rows=1)
        case Keep.NOTHING:
            return NOTHING_SPENT
        case _:
            assert_never(kept)


def cost_of_naming(size: int) -> Spent:
    """What an open task counts that a callback was the first to tell of."""
    return Spent(waiting=1, unproven=ROW_BYTES + room(size))


def may_name(spent: Spent) -> bool:
    """Whether a task that nobody else knows of may be taken up on this token's word."""
    return spent.waiting < MOST_WAITING and may_add(spent)


def may_add(spent: Spent) -> bool:
    """Whether another callback may be kept of a task that nobody else knows of."""
    return spent.unproven < MOST_UNPROVEN_BYTES


FIRST_LOOK = 1 / 16
LOOK_AGAIN = 1 / 2
"""Shares of a bound from which what the database says is worth asking: a token that is used a few times never is.

What is counted since can only be too high, as tasks are confirmed without our hearing of it. The second share leaves
room for more callbacks than can wait for their transaction at once.
"""


def worth_a_look(spent: Spent, *, looked: bool) -> bool:
    """Whether a bound is near enough to ask the database how much of this is still there."""
    share = LOOK_AGAIN if looked else FIRST_LOOK
    return (
        spent.stray_bytes >= MOST_STRAY_BYTES * share
        or spent.stray_rows >= MOST_STRAY_ROWS * share
        or spent.waiting >= MOST_WAITING * share
        or spent.unproven >= MOST_UNPROVEN_BYTES * share
    )

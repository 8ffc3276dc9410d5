"""When not to ask at all: after failures in a row, or when the key is refused. Pure: the time is passed in.

Closed, everything passes. Open, nothing passes for a while; then one request at a time may try, the probe. Bad answers
about single tasks only arouse suspicion: whoever can name tasks could turn the provider off for all others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NewType, assert_never

FAILURES = 5
"""Failures in a row that open the breaker."""

SUSPICIONS = 3
"""Different tasks in a row whose questions fail that make the provider suspect; one asked about again is still one."""

JITTER = 0.1


class BreakerState(StrEnum):
    CLOSED = "closed"
    DOWN = "down"
    REFUSED = "refused"


class Judgement(Enum):
    """What an answer says of the provider."""

    GOOD = "good"  # it answers, and takes the key
    FAILED = "failed"  # no answer at all
    DOWN = "down"  # a neutral question failed
    REFUSED = "refused"
    SUSPECT = "suspect"  # it answers this question badly; perhaps it answers others well
    NOTHING = "nothing"


Ticket = NewType("Ticket", int)


@dataclass(frozen=True, slots=True)
class _Waits:
    first: float
    longest: float

    def after(self, wait: float | None) -> float:
        return self.first if wait is None else min(wait * 2, self.longest)


_WAITS = {BreakerState.DOWN: _Waits(1.0, 60.0), BreakerState.REFUSED: _Waits(60.0, 600.0)}


class Breaker:
    """`jitter` gives numbers from 0 to 1, which spread the waits by ± 10 %."""

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._state = BreakerState.CLOSED
        self._reason = ""
        self._failures = 0
        self._suspicions: set[str] = set()
        self._wait: float | None = None
        self._until = 0.0
        self._probing = False
        self._turn = 0  # counts openings, so that what was sent before one says nothing after it

    @property
    def state(self) -> BreakerState:
        return self._state

    @property
    def suspects(self) -> bool:
        """Whether a neutral question should tell if it is the provider that fails, or only some questions."""
        return self._state is BreakerState.CLOSED and len(self._suspicions) >= SUSPICIONS

    @property
    def reason(self) -> str:
        """What opened it, or kept it open, last."""
        return self._reason

    def passes(self, now: float) -> bool:
        """Whether a request may be let through; takes no place."""
        return self._state is BreakerState.CLOSED or (now >= self._until and not self._probing)

    def enter(self) -> Ticket:
        """Let a request through, right after `passes` said yes; every ticket must come back through `leave`."""
        self._probing = self._state is not BreakerState.CLOSED
        return Ticket(self._turn)

    def leave(self, ticket: Ticket, judgement: Judgement, now: float, *, reason: str = "", task_id: str = "") -> None:
        """Learn from a request that was let through; `task_id` is the task that SUSPECT is about."""
        if ticket != self._turn:
            return
        self._probing = False
        if judgement is Judgement.GOOD:
            self._close()
        elif (state := self._opened_by(judgement, task_id)) is not None:
            self._wait = _WAITS[state].after(self._wait if state is self._state else None)
            self._until = now + self._wait * (1 + JITTER * (2 * self._jitter() - 1))
            self._state, self._reason = state, reason
            self._turn += 1

    def _close(self) -> None:
        self._failures = 0
        self._suspicions.clear()
        if self._state is not BreakerState.CLOSED:
            self._state, self._reason = BreakerState.CLOSED, ""

    def _opened_by(self, judgement: Judgement, task_id: str) -> BreakerState | None:
        """The state in which it is to be open now, if the judgement asks for that."""
        match judgement:
            case Judgement.GOOD | Judgement.NOTHING:
                return None
            case Judgement.REFUSED:
                return BreakerState.REFUSED
            case Judgement.DOWN:
                return BreakerState.DOWN if self._state is BreakerState.CLOSED else self._state
            case Judgement.FAILED if self._state is not BreakerState.CLOSED:
                return self._state  # a refused key stays refused until it is seen to work
            case Judgement.FAILED:
                self._failures += 1
                return BreakerState.DOWN if self._failures >= FAILURES else None
            case Judgement.SUSPECT:
                if len(self._suspicions) < SUSPICIONS:
                    self._suspicions.add(task_id)
                return self._state if self._state is not BreakerState.CLOSED else None
            case _:
                assert_never(judgement)

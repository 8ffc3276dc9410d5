"""A figure beside its baseline of the same run, and what it should come to. Pure: it measures nothing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which side of the goal is the good one."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Pair:
    """One round: ours, and the baseline's measured just before or after it; both in the goal's unit."""

    ours: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Goal:
    """What is measured, by what, and the bound: `factor` times the baseline, and for LESS `slack` units above that."""

    what: str
    baseline: str
    unit: str
    better: Better
    factor: float
    slack: float = 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A goal and the rounds that were measured for it."""

    goal: Goal
    pairs: Sequence[Pair]

    @property
    def ours(self) -> float:
        return statistics.median(pair.ours for pair in self.pairs)

    @property
    def baseline(self) -> float:
        return statistics.median(pair.baseline for pair in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """Each round's own, as the machine's speed drifts between rounds; the slack is taken off first."""
        return [max(0.0, pair.ours - self.goal.slack) / pair.baseline for pair in self.pairs]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        if self.goal.better is Better.MORE:
            return self.ratio >= self.goal.factor
        return self.ratio <= self.goal.factor

    def document(self) -> dict[str, object]:
        """As the JSON has it."""
        return {
            "what": self.goal.what,
            "baseline": self.goal.baseline,
            "unit": self.goal.unit,
            "better": self.goal.better.value,
            "goal": self.goal.factor,
            "slack": self.goal.slack,
            "ours": self.ours,
            "theirs": self.baseline,
            "ratio": self.ratio,
            "ratios": self.ratios,
            "holds": self.holds,
        }

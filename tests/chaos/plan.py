"""What a run of the chaos suite goes through, all of it from one seed. Pure."""

import random
from dataclasses import dataclass

FAULTS: dict[str, float] = {
    "lost": 0.1,
    "duplicate": 0.15,
    "reorder": 0.1,
    "late": 0.1,
    "conflict": 0.08,
    "malformed": 0.05,
    "slow": 0.005,
    "truncated": 0.03,
    "html": 0.03,
    "missing": 0.03,
    "partial": 0.03,
    "wrong-type": 0.03,
    "reorder-links": 0.05,
    "resigned": 0.05,
    "dies-early": 0.03,
    "moved": 0.03,
}
"""Shares of callbacks, images and links that the stand-in provider spoils.

Links that come one read late are left to a test of their own: where the callback is lost as well, nobody can know.
"""

FAILED, CANCELLED = 0.06, 0.04
OUTAGES = ("down", "forbidden", "throttling", "silent", "refusing")
"""What the task API goes through; each outage is shorter than the patience of the service under test."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate`: tasks submitted a second; `urls`: callback URLs they are shared among; `spoilt`: of the usual shares;
    `kills`: how many there are at least, however slow the machine is."""

    tasks: int
    seed: int
    rate: float = 40.0
    urls: int = 40
    spoilt: float = 1.0
    kills: int = 0

    @property
    def stand_in(self) -> tuple[str, ...]:
        """Options of the stand-in provider."""
        faults = [word for kind, rate in FAULTS.items() for word in ("--fault", f"{kind}={rate * self.spoilt:.4f}")]
        rates = ("--failure-rate", str(FAILED), "--cancel-rate", str(CANCELLED))
        return ("--seed", str(self.seed), "--seconds", "0.2", "4", *rates, *faults)

    @property
    def disk(self) -> int:
        """MiB that the disk has: room for all images and again as much, and a quarter of a GiB."""
        return self.tasks // 5 + 256

    def chance(self, name: str) -> random.Random:
        """Chance for one purpose; the same seed gives the same choices, whatever other purposes draw."""
        return random.Random(f"{self.seed} {name}")

    def images(self, number: int) -> int:
        """How many images a task asks for: mostly one."""
        return self.chance(f"images of {number}").choice((1, 1, 1, 1, 2, 3))

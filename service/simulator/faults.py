"""The ways in which the stand-in can misbehave, and whether one strikes a task or an image. Pure; no sending here.

Callbacks: `duplicate` sent two or three times · `reorder` a stale `processing` after the end · `conflict` a second,
contradictory end before or after the true one · `lost` never sent · `late` delayed · `malformed` broken JSON in the
first attempt, good in the retry that follows if the receiver refused it.

Images, for the first one or two requests of an image, the true bytes afterwards: `slow` dribbled · `truncated` cut
short of its Content-Length, or without one · `html` a page with status 200 · `missing` 404 · `partial` an unasked 206
· `wrong-type` the true bytes under a wrong Content-Type. Where several strike one image they take turns.

Links, as reads of a completed task give them (the callback has all of them, plain, in the true order): `reorder-links`
in another order each time · `resigned` each time with another query `sig`; any is served · `dies-early` answered 403
until the task is read again after such a refusal: what is read from then on has a query `sig`, and works with it ·
`moved` likewise, but answered 404, and what is read from then on has another path, the only one that works ·
`one-link-behind` the first read gives one link fewer. All links of a task share its fate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.simulator.chance import Chance


class CallbackFault(StrEnum):
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    CONFLICT = "conflict"
    LOST = "lost"
    LATE = "late"
    MALFORMED = "malformed"


class ImageFault(StrEnum):
    SLOW = "slow"
    TRUNCATED = "truncated"
    HTML = "html"
    MISSING = "missing"
    PARTIAL = "partial"
    WRONG_TYPE = "wrong-type"


class LinkFault(StrEnum):
    REORDER_LINKS = "reorder-links"
    RESIGNED = "resigned"
    DIES_EARLY = "dies-early"
    MOVED = "moved"
    ONE_LINK_BEHIND = "one-link-behind"


KINDS: tuple[str, ...] = (*CallbackFault, *ImageFault, *LinkFault)
MOST_STRIKES = 2
"""Requests of one image that faults may spoil; a client that persists gets the image."""


def parse_faults(words: Iterable[str]) -> dict[str, float]:
    """Read `KIND=RATE` words; raises ValueError that names the valid kinds and rates."""
    rates: dict[str, float] = {}
    for word in words:
        kind, equals, rate = word.partition("=")
        if not equals:
            raise ValueError(f"a fault is written KIND=RATE, not {word!r}; kinds: {', '.join(KINDS)}")
        try:
            rates[kind.strip()] = float(rate)
        except ValueError:
            raise ValueError(f"the rate of fault {kind!r} is a number from 0 to 1, not {rate!r}") from None
    check_faults(rates)
    return rates


def check_faults(rates: Mapping[str, float]) -> None:
    """Raise ValueError for an unknown kind or a rate outside 0 to 1."""
    for kind, rate in rates.items():
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; kinds: {', '.join(KINDS)}")
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate of fault {kind!r} is a number from 0 to 1, not {rate!r}")


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults strike; `forced` kinds are those that a prompt asked for."""

    chance: Chance
    rates: Mapping[str, float]

    def for_callbacks(self, task_id: str, forced: frozenset[str] = frozenset()) -> frozenset[CallbackFault]:
        return frozenset(kind for kind in CallbackFault if self._strikes(kind, task_id, forced))

    def for_links(self, task_id: str, forced: frozenset[str] = frozenset()) -> frozenset[LinkFault]:
        return frozenset(kind for kind in LinkFault if self._strikes(kind, task_id, forced))

    def for_image(self, name: str, forced: frozenset[str] = frozenset()) -> tuple[ImageFault, ...]:
        """What the first requests of an image meet, in order; the request after the last gets the true bytes."""
        kinds = [kind for kind in ImageFault if self._strikes(kind, name, forced)]
        if not kinds:
            return ()
        kinds.sort(key=lambda kind: self.chance.digest("turn", kind, name))
        strikes = 1 + self.chance.number(MOST_STRIKES, "strikes", name)
        return tuple(kinds[turn % len(kinds)] for turn in range(strikes))

    def _strikes(self, kind: str, name: str, forced: frozenset[str]) -> bool:
        return kind in forced or self.chance.fraction("fault", kind, name) < self.rates.get(kind, 0.0)

"""The right to work on something until a time. Times are the database's, so replicas with skewed clocks agree."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who works on a thing (`id`, random for each claim) and until when the others keep off."""

    id: str
    until: datetime


def is_free(held: Claim | None, now: datetime) -> bool:
    """Whether a thing may be claimed: nobody holds it, or the holder's time is over."""
    return held is None or held.until <= now


def counts(held: Claim | None, mine: str) -> bool:
    """Whether an outcome may be recorded: only under the claim that the thing is held by now (the fence)."""
    return held is not None and held.id == mine

"""The right to work on something until a time. Times are the database's, so replicas with skewed clocks agree."""

from datetime import timedelta

LEASE = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=10)


def counts(held: str | None, mine: str) -> bool:
    """Whether an outcome may be recorded: only under the claim that the thing is held by now (the fence)."""
    return held is not None and held == mine

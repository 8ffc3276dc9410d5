"""When to try again and until when: deadlines and the ladder. Times are aware UTC datetimes, passed in."""

from datetime import UTC, datetime, timedelta

from service.domain.attempt import Failure

LADDER = tuple(timedelta(seconds=s) for s in (0, 2, 5, 15, 60, 5 * 60, 15 * 60))
"""Wait before the first attempt, the second, …"""

AFTER_LADDER = timedelta(minutes=30)
LAST_ATTEMPT = timedelta(hours=1)
"""The last attempt is made this long after the deadline, in case the link outlives what was promised."""

QUICK_ATTEMPTS = 5
"""Attempts of the first minute and a half; made even when the deadline is long past, unless the link is gone."""

MOST_SHARING = 2

EARLIEST_CREATED = datetime(2024, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)
MILLISECONDS_ABOVE = 1e11
JITTER = 0.2


def credible_created(created: float | None, received_at: datetime) -> datetime | None:
    """The provider's `created` (seconds, or milliseconds above 1e11), or None when it cannot be true."""
    if created is None:
        return None
    seconds = created / 1000 if created > MILLISECONDS_ABOVE else created
    latest = received_at + CLOCK_SKEW
    if not EARLIEST_CREATED.timestamp() <= seconds <= latest.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def link_deadline(created: datetime | None, received_at: datetime, lifetime: timedelta) -> datetime:
    """When the links of a task die: counted from `created` where it is credible, else from receipt."""
    return (created or received_at) + lifetime


def next_attempt(
    failure: Failure, attempts: int, *, now: datetime, deadline: datetime, jitter: float, links: int = 1
) -> datetime | None:
    """When to try after `attempts` attempts, the last of which ended in `failure`; None when there is no use.

    `jitter` from 0 to 1 spreads the wait by ± 20 %. Of several `links`, two share each of the quick rungs, one right
    after the other: a link that has died must not cost the good one minutes.
    """
    sharing = min(links, MOST_SHARING)
    rung, rest = divmod(attempts, sharing)
    if rung >= QUICK_ATTEMPTS:
        rung, rest = attempts - QUICK_ATTEMPTS * (sharing - 1), 0
    wait = (*LADDER, AFTER_LADDER)[0 if rest else min(rung, len(LADDER))]
    at = now + wait * (1 + JITTER * (2 * jitter - 1))
    still_quick = rung < QUICK_ATTEMPTS and failure is not Failure.LINK_GONE
    if at <= deadline or still_quick:
        return at
    last = deadline + LAST_ATTEMPT
    return last if now < last else None

"""What we believe of a route that the provider does not document. Pure: the time is passed in, in seconds."""

ASK_AGAIN = 3600.0
"""Seconds; what looks like a missing route may have been a bad moment, and asking costs one request."""

STRIKES = 2
"""Failures in a row, while reading one by one works, that are taken for a missing route."""


class OptionalRoute:
    """Believed to be there until an answer says otherwise; then not asked for an hour."""

    def __init__(self) -> None:
        self._missing_until = float("-inf")
        self._strikes = 0

    def believed(self, now: float) -> bool:
        return now >= self._missing_until

    def missing(self, now: float) -> None:
        self._missing_until = now + ASK_AGAIN
        self._strikes = 0

    def failed(self, now: float) -> None:
        """It brought nothing although it could have."""
        self._strikes += 1
        if self._strikes >= STRIKES:
            self.missing(now)

    def worked(self) -> None:
        self._strikes = 0

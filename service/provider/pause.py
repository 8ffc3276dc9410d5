"""How long the provider wants to be left alone after a 429. Pure: the time is passed in, in seconds of any clock."""

LONGEST_ASKED = 600.0
"""Seconds; however long a Retry-After is, we look again after ten minutes."""

FIRST = 1.0
LONGEST = 60.0


class Pause:
    """As long as the provider asks for; where it asks for nothing, 1, 2, 4 … 60 s while 429s follow each other."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._next = FIRST

    def left(self, now: float) -> float:
        """Seconds until asking makes sense again; 0 is now."""
        return max(0.0, self._until - now)

    def begin(self, now: float, *, asked: float | None) -> None:
        """A 429 came, with a Retry-After of so many seconds; one of 0 asks for nothing."""
        if asked:
            wait = min(asked, LONGEST_ASKED)
        elif self.left(now):
            return  # it was under way when the pause began: no second 429 in a row
        else:
            wait = self._next
            self._next = min(self._next * 2, LONGEST)
        self._until = max(self._until, now + wait)

    def end_of_row(self) -> None:
        """A good answer came: the next 429 is a first one. A pause that runs is kept."""
        self._next = FIRST

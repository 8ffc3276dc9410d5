"""What was submitted through us: kept before it is sent, with what became of it."""

from datetime import datetime

import sqlalchemy as sa


class Submissions:
    """Submissions within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime, *, locks: bool = True) -> None:
        self._connection = connection
        self._now = now
        self._locks = locks

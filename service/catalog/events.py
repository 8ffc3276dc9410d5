"""Events for others, and whom they have reached. It must not know what is in them."""

from datetime import datetime

import sqlalchemy as sa


class Events:
    """Events and their deliveries within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

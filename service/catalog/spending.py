"""What was spent and what is reserved, in sums by day and subject. It must not know prices."""

import sqlalchemy as sa


class Spending:
    """Sums within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

"""The catalog from end to end, in pages of constant size: for work that looks at everything beside a server."""

import sqlalchemy as sa

from service.catalog.tables import assets, tasks


class Walk:
    """Positions are a task's `seq`: rows that arrive meanwhile come last, and none is met twice."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def any_stored(self) -> bool:
        """Whether an image or a sidecar was ever put into the store; what is only planned leaves nothing there."""
        written = sa.exists().where(tasks.c.sidecar_version > 0)
        stored = sa.exists().where(assets.c.object_key.is_not(None))
        return bool(self._connection.execute(sa.select(written | stored)).scalar())

    def with_folder(self, *, after: int, limit: int) -> list[tuple[int, str]]:
        """Position and id of the next tasks that have, or will have, something in the store."""
        c = tasks.c
        query = sa.select(c.seq, c.id).where(c.archive_date.is_not(None), c.seq > after).order_by(c.seq).limit(limit)
        return [(seq, task_id) for seq, task_id in self._connection.execute(query)]

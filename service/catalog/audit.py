"""The trail of who changed what: written in the transaction of the change, by whoever that transaction acts for."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from service.catalog.queries import Page
from service.catalog.tables import audit
from service.domain.audit import Action, Actor, AuditEntry

FILTERS = {
    "actor": audit.c.actor_name,
    "key_id": audit.c.actor_id,
    "action": audit.c.action,
    "subject": audit.c.subject,
}


class Audit:
    """The trail within one transaction; `by` is who asked for it, or None where the service works by itself."""

    def __init__(self, connection: sa.Connection, now: datetime, *, by: Actor | None = None) -> None:
        self._connection = connection
        self._now = now
        self._by = by

    def note(self, action: Action, subject: str | None = None, **detail: str | None) -> None:
        """Leave a row of a change that somebody asked for; what the service does by itself leaves none.

        What is None in `detail` is left out. No secret, prompt or link belongs there.
        """
        if self._by is None:
            return
        self._connection.execute(
            sa.insert(audit).values(
                at=self._now,
                actor_id=self._by.id,
                actor_name=self._by.name,
                action=action.value,
                subject=subject,
                request_id=self._by.request_id,
                address=self._by.address,
                detail={name: value for name, value in detail.items() if value is not None},
            )
        )

    def page(
        self,
        *,
        filters: Mapping[str, str],
        after: int | None,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[tuple[int, AuditEntry]]:
        """Newest first, each with its number; `since` belongs to the span, `until` does not."""
        c = audit.c
        query = sa.select(audit).where(*(FILTERS[name] == value for name, value in filters.items()))
        if since is not None:
            query = query.where(c.at >= since)
        if until is not None:
            query = query.where(c.at < until)
        if after is not None:  # a row that may be gone since
            last = sa.select(c.at, sa.literal(after)).where(c.seq <= after).order_by(c.seq.desc()).limit(1)
            query = query.where(sa.tuple_(c.at, c.seq) < last.scalar_subquery())
        rows = self._connection.execute(query.order_by(c.at.desc(), c.seq.desc()).limit(limit + 1)).mappings()
        found = [(int(row["seq"]), _entry(row)) for row in rows]
        return Page(found[:limit], found[limit - 1][0] if len(found) > limit else None)

    def forget(self, before: datetime, *, limit: int) -> int:
        """Remove some of what is older; returns how many rows."""
        some = sa.select(audit.c.seq).where(audit.c.at < before).order_by(audit.c.at, audit.c.seq).limit(limit)
        return self._connection.execute(sa.delete(audit).where(audit.c.seq.in_(some))).rowcount


def _entry(row: sa.RowMapping) -> AuditEntry:
    return AuditEntry(
        at=row["at"],
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        action=row["action"],
        subject=row["subject"],
        request_id=row["request_id"],
        address=row["address"],
        detail=row["detail"],
    )

"""Which deliveries are meant: the same filter for lists and for replays; and a delivery as it is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.catalog.submission_tables import deliveries, events
from service.domain.announcement import EventKind
from service.domain.telling import DeliveryStatus

FILTERS = {
    "status": deliveries.c.status,
    "kind": events.c.kind,
    "task_id": events.c.task_id,  # this one has an index for all of them
    "endpoint": deliveries.c.endpoint,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One endpoint's being told of one event; `next_attempt_at` is None also while an earlier one is pending.

    `data` is the JSON of the event, None where it was not asked for.
    """

    seq: int
    event_id: str
    kind: EventKind
    task_id: str
    index: int | None
    endpoint: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    detail: str | None
    happened_at: datetime
    ended_at: datetime | None
    data: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Equalities; None and () match all."""

    status: DeliveryStatus | None = None
    kind: EventKind | None = None
    task_id: str | None = None
    endpoint: str | None = None
    ids: tuple[int, ...] = ()

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """What a delivery has to fulfil, joined with its event."""
        for name, column in FILTERS.items():
            wanted = getattr(self, name)
            if wanted is not None:
                yield column == str(wanted)
        if self.ids:
            yield deliveries.c.seq.in_(self.ids)


def shown(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Deliveries with what is shown of their events."""
    d, e = deliveries.c, events.c
    columns = (d.seq, d.event_seq, d.endpoint, d.status, d.attempts, d.next_attempt_at, d.detail, d.ended_at)
    return sa.select(*columns, e.id, e.kind, e.task_id, e.index, e.at, *more).join(events, e.seq == d.event_seq)


def delivery_from(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(
        seq=row["seq"],
        event_id=row["id"],
        kind=EventKind(row["kind"]),
        task_id=row["task_id"],
        index=row["index"],
        endpoint=row["endpoint"],
        status=DeliveryStatus(row["status"]),
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"],
        detail=row["detail"],
        happened_at=row["at"],
        ended_at=row["ended_at"],
        data=row.get("data"),
    )

"""`/v1/events`: what others were told, are still to be told, and never were; and telling them again."""

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.delivery_filter import FILTERS, Delivery, DeliveryFilter
from service.domain.announcement import EventKind
from service.domain.moment import rfc3339
from service.domain.telling import DeliveryStatus
from service.errors import Conflict, Invalid, NotFound
from service.notify.letter import shown_body
from service.notify.replay import replay
from service.provider.payload import storable
from service.web.body import read_model
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.paging import list_query, page

MOST_IDS = 1000

_VALUES = {"status": tuple(DeliveryStatus), "kind": tuple(EventKind)}

Text = Annotated[str, Field(max_length=200), AfterValidator(storable)]
DeliveryId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


class EventsToReplay(BaseModel):
    """Which deliveries to make again, the dead ones of them where no status is named."""

    model_config = ConfigDict(extra="forbid")

    status: DeliveryStatus | None = None
    kind: EventKind | None = None
    endpoint: Text | None = None
    task_id: Text | None = None
    ids: list[DeliveryId] = Field(default_factory=list, max_length=MOST_IDS)
    dry_run: StrictBool = False

    def filter(self) -> DeliveryFilter:
        """Raises Invalid when it is not clear what is meant."""
        ids = tuple(int(one) for one in self.ids)
        wanted = DeliveryFilter(self.status, self.kind, self.task_id, self.endpoint, ids)
        if wanted == DeliveryFilter() or ("ids" in self.model_fields_set and not ids):
            raise Invalid("empty_filter", 'nothing is filtered: say "status": "dead" to tell again of all that is dead')
        return wanted


class EventRoutes:
    """One replay at a time: a second one would do the same work over. `deliveries` wakes those who deliver."""

    def __init__(self, *, catalog: Catalog, deliveries: Nudge) -> None:
        self._catalog = catalog
        self._deliveries = deliveries
        self._replaying = asyncio.Lock()

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/events", GET=(Scope.READ, self.list)),
            keys.route("/v1/events/replay", POST=(Scope.ADMIN, self.replay)),
            keys.route("/v1/events/{id}", GET=(Scope.READ, self.one)),
        ]

    async def list(self, request: Request) -> Response:
        """Deliveries, the newest first."""
        query = list_query(request, tuple(FILTERS), values=_VALUES)
        given = query.filters
        wanted = DeliveryFilter(
            status=DeliveryStatus(given["status"]) if "status" in given else None,
            kind=EventKind(given["kind"]) if "kind" in given else None,
            task_id=given.get("task_id"),
            endpoint=given.get("endpoint"),
        )
        found = await self._catalog.read(lambda tx: tx.events.page(wanted, after=query.after, limit=query.limit))
        return JSONResponse(page([_document(one) for one in found.items], found.next))

    async def one(self, request: Request) -> Response:
        """One delivery with the body that is sent, but for the links in it."""
        text = request.path_params["id"]
        found = None
        if text.isascii() and text.isdigit() and len(text) <= 18:
            found = await self._catalog.read(partial(_whole, seq=int(text)))
        if found is None:
            raise NotFound("event_not_found", "no such event")
        return JSONResponse(found)

    async def replay(self, request: Request) -> Response:
        """Tell again of what was given up, or of what else is named; 409 while another replay runs."""
        body = await read_model(request, EventsToReplay)
        wanted = body.filter()
        if self._replaying.locked():
            raise Conflict("replay_running", "another replay is running; wait for its end")
        async with self._replaying:
            replayed = await replay(
                self._catalog,
                wanted,
                dry_run=body.dry_run,
                progress=self._deliveries.nudge,
                by=actor_of(request),
            )
        return JSONResponse(asdict(replayed))


def _whole(tx: Transaction, *, seq: int) -> dict[str, Any] | None:
    delivery = tx.events.one(seq)
    return {**_document(delivery), "body": shown_body(tx, delivery)} if delivery is not None else None


def _document(delivery: Delivery) -> dict[str, Any]:
    index = delivery.index
    return {
        "id": str(delivery.seq),
        "event_id": delivery.event_id,
        "type": delivery.kind.value,
        "task_id": delivery.task_id,
        "asset_id": f"{delivery.task_id}.{index}" if index is not None else None,
        "endpoint": delivery.endpoint,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "next_attempt_at": rfc3339(delivery.next_attempt_at),
        "detail": delivery.detail,
        "happened_at": rfc3339(delivery.happened_at),
        "ended_at": rfc3339(delivery.ended_at),
    }

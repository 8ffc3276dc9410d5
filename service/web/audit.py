"""`/v1/audit`: who changed what, the newest first."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.audit import FILTERS
from service.catalog.catalog import Catalog
from service.domain.api_key import Scope
from service.domain.audit import Action, AuditEntry
from service.domain.moment import moment, rfc3339
from service.errors import Invalid
from service.web.keys import ApiKeys
from service.web.paging import list_query, page

_TIMES = ("after", "before")
_VALUES = {"action": tuple(Action)}


class AuditRoutes:
    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [keys.route("/v1/audit", GET=(Scope.ADMIN, self.list))]

    async def list(self, request: Request) -> Response:
        """Changes by `actor`, `key_id`, `action` and `subject`; of a span of time that begins at `after`."""
        query = list_query(request, (*FILTERS, *_TIMES), values=_VALUES)
        given = query.filters
        times = {name: _moment(name, given[name]) for name in _TIMES if name in given}
        filters = {name: value for name, value in given.items() if name in FILTERS}
        found = await self._catalog.read(
            lambda tx: tx.audit.page(
                filters=filters,
                after=query.after,
                limit=query.limit,
                since=times.get("after"),
                until=times.get("before"),
            )
        )
        return JSONResponse(page([_document(seq, entry) for seq, entry in found.items], found.next))


def _moment(name: str, text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise Invalid("invalid_parameter", f"{name} {error}") from None


def _document(seq: int, entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(seq),
        "at": rfc3339(entry.at),
        "actor": {"id": entry.actor_id, "name": entry.actor_name},
        "action": entry.action,
        "subject": entry.subject,
        "request_id": entry.request_id,
        "address": entry.address,
        "detail": dict(entry.detail),
    }

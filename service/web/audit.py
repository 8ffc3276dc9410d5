"""`/v1/audit`: who changed what, the newest first."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.audit import FILTERS
from service.catalog.catalog import Catalog
from service.domain.api_key import Scope
from service.domain.audit import Action, AuditEntry
from service.domain.moment import rfc3339
from service.web.answers.keys import AuditEntryDocument
from service.web.keys import ApiKeys
from service.web.paging import list_query, page
from service.web.parameters import Moment, OneOf, Parameter

AUDIT_PARAMETERS = (
    Parameter("actor", "Who: a key by its name."),
    Parameter("key_id", "Who: a key by its id."),
    Parameter("action", "What was done.", OneOf(tuple(Action)), example="asset.deleted"),
    Parameter("subject", "The id of what was changed."),
    Parameter("after", "At this time or later.", Moment(), example="2026-05-01T00:00:00Z"),
    Parameter("before", "Before this time.", Moment()),
)


class AuditRoutes:
    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [keys.route("/v1/audit", GET=(Scope.ADMIN, self.list))]

    async def list(self, request: Request) -> Response:
        """Changes by `actor`, `key_id`, `action` and `subject`; of a span of time that begins at `after`."""
        query = list_query(request, AUDIT_PARAMETERS)
        given = query.filters
        filters = {name: value for name, value in given.items() if name in FILTERS}
        found = await self._catalog.read(
            lambda tx: tx.audit.page(
                filters=filters,
                after=query.after,
                limit=query.limit,
                since=given.get("after"),
                until=given.get("before"),
            )
        )
        return JSONResponse(page([_document(seq, entry) for seq, entry in found.items], found.next))


def _document(seq: int, entry: AuditEntry) -> AuditEntryDocument:
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

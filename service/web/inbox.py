"""`/v1/callbacks`: what was received, and what was turned away."""

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog
from service.catalog.queries import CALLBACK_FILTERS
from service.domain.callback import Verdict
from service.domain.task import Origin
from service.errors import Invalid, NotFound
from service.web.documents import callback_document, rfc3339
from service.web.keys import ApiKeys, Scope
from service.web.paging import list_query, page
from service.web.refused import RefusedCallback, RefusedCallbacks

_REFUSED = "refused"
_VALUES = {"verdict": (*Verdict, _REFUSED), "origin": tuple(Origin)}


class InboxRoutes:
    def __init__(self, *, catalog: Catalog, refused: RefusedCallbacks) -> None:
        self._catalog = catalog
        self._refused = refused

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/callbacks", GET=(Scope.READ, self.list)),
            keys.route("/v1/callbacks/{id}", GET=(Scope.ADMIN, self.one)),
        ]

    async def list(self, request: Request) -> Response:
        """The inbox; `verdict=refused` shows the ring of requests that were turned away instead."""
        query = list_query(request, CALLBACK_FILTERS, values=_VALUES)
        if query.filters.get("verdict") == _REFUSED:
            if len(query.filters) > 1 or query.after is not None:
                raise Invalid("invalid_parameter", "verdict=refused takes no other filters and no cursor")
            newest = self._refused.newest_first()[: query.limit]
            return JSONResponse(page([_refused_document(one) for one in newest], None))
        found = await self._catalog.read(
            lambda tx: tx.query.callbacks(filters=query.filters, after=query.after, limit=query.limit)
        )
        return JSONResponse(page([callback_document(dict(row)) for row in found.items], found.next))

    async def one(self, request: Request) -> Response:
        """One callback, raw: its headers with credentials masked, and its body as text or, failing that, base64."""
        text = request.path_params["id"]
        row = None
        if text.isascii() and text.isdigit() and len(text) <= 18:
            row = await self._catalog.read(lambda tx: tx.query.callback(int(text)))
        if row is None:
            raise NotFound("callback_not_found", "no such callback")
        return JSONResponse({**callback_document(dict(row)), "headers": row["headers"], **_body(row["body"])})


def _body(body: bytes | None) -> dict[str, Any]:
    if body is None:
        return {"body": None, "body_base64": None}
    try:
        return {"body": body.decode("utf-8"), "body_base64": None}
    except UnicodeDecodeError:
        return {"body": None, "body_base64": base64.b64encode(body).decode()}


def _refused_document(refused: RefusedCallback) -> dict[str, Any]:
    return {
        "source": refused.source,
        "verdict": "refused",
        "reason": refused.reason.value,
        "received_at": rfc3339(refused.at),
        "client": refused.client,
        "user_agent": refused.user_agent,
    }

"""`/v1/submissions`: what was submitted through us, with what became of it, also where no task did."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.domain.link import link_host
from service.domain.moment import rfc3339
from service.domain.submission import Submission, SubmissionStatus
from service.errors import NotFound
from service.web.answers.submissions import SubmissionDocument, SubmissionWithRequestDocument
from service.web.keys import ApiKeys, Scope
from service.web.paging import list_query, page
from service.web.parameters import OneOf, Parameter

SUBMISSION_PARAMETERS = (
    Parameter("status", "How far it came.", OneOf(tuple(SubmissionStatus)), example="taken"),
    Parameter("key_name", "Submitted with one API key, by its name."),
    Parameter("task_id", "The one that made a task."),
)


class SubmissionRoutes:
    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/submissions", GET=(Scope.READ, self.list)),
            keys.route("/v1/submissions/{id}", GET=(Scope.READ, self.one)),
        ]

    async def list(self, request: Request) -> Response:
        """Newest first; the requests and answers themselves are shown one by one."""
        query = list_query(request, SUBMISSION_PARAMETERS)
        found = await self._catalog.read(
            lambda tx: tx.submissions.page(filters=query.filters, after=query.after, limit=query.limit)
        )
        return JSONResponse(page([_line(dict(row)) for row in found.items], found.next))

    async def one(self, request: Request) -> Response:
        found = await self._catalog.read(partial(_one, submission_id=request.path_params["id"]))
        if found is None:
            raise NotFound("submission_not_found", "no such submission")
        names = {name: getattr(found, name) for name in Submission.__slots__}
        document: SubmissionWithRequestDocument = {
            **_line(names),
            "request": _json(found.request),
            "answer": _json(found.answer),
        }
        return JSONResponse(document)


def _one(tx: Transaction, *, submission_id: str) -> Submission | None:
    return tx.submissions.get(submission_id)


def _line(row: Mapping[str, Any]) -> SubmissionDocument:
    return {
        "id": row["id"],
        "source": row["source"],
        "status": SubmissionStatus(row["status"]),
        "detail": row["detail"],
        "task_id": row["task_id"],
        "model": row["model"],
        "key_name": row["key_name"],
        "idempotency_key": row["idempotency_key"],
        "ref": row["ref"],
        "tags": dict(row["tags"]),
        "callback_host": link_host(row["callback_url"]) if row["callback_url"] else None,
        "estimate": row["estimate"],
        "attempts": row["attempts"],
        "kept_at": rfc3339(row["kept_at"]),
        "sent_at": rfc3339(row["sent_at"]),
        "ended_at": rfc3339(row["ended_at"]),
        "next_look_at": rfc3339(row["look_at"]),
    }


def _json(raw: bytes | None) -> Any:
    """What was sent or answered, as JSON; as text where it is none."""
    if raw is None:
        return None
    text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text

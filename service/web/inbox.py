"""`/v1/callbacks`: what was received, what was turned away, and running it again."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.inbox_filter import InboxFilter
from service.catalog.queries import Page
from service.domain.callback import Verdict
from service.domain.moment import moment, rfc3339
from service.domain.rules import Rules
from service.domain.task import Origin
from service.errors import Conflict, Invalid, NotFound
from service.intake.replay import Progress, Replayed, replay
from service.observability import Metrics
from service.provider.payload import storable
from service.web.answers.callbacks import (
    BodyDocument,
    CallbacksReplayedDocument,
    RawCallbackDocument,
    RefusedCallbackDocument,
)
from service.web.body import read_model
from service.web.documents import callback_document
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.paging import list_query, page
from service.web.parameters import Moment, OneOf, Parameter
from service.web.refused import RefusedCallback, RefusedCallbacks

MOST_IDS = 1000

REFUSED: Final = "refused"
_TIMES = ("received_after", "received_before")
CALLBACK_PARAMETERS = (
    Parameter(
        "verdict",
        "`refused` shows what was turned away instead, and takes no other filter.",
        OneOf((*Verdict, REFUSED)),
    ),
    Parameter("task_id", "Of one task."),
    Parameter("token_id", "Through one callback URL, by its id."),
    Parameter("origin", "How it was heard.", OneOf(tuple(Origin))),
    Parameter("status", "The status that it told of, in the provider's own word.", example="completed"),
    Parameter("received_after", "Received at this time or later.", Moment(), example="2026-05-01T00:00:00Z"),
    Parameter("received_before", "Received before this time.", Moment()),
)

Text = Annotated[str, Field(max_length=200), AfterValidator(storable)]
Time = Annotated[datetime, BeforeValidator(moment)]
CallbackId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


class CallbacksToReplay(BaseModel):
    """Which callbacks to run again; `all` has to be said where nothing else is."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict | None = None
    task_id: Text | None = None
    token_id: Text | None = None
    status: Text | None = None
    received_after: Time | None = None
    received_before: Time | None = None
    ids: list[CallbackId] = Field(default_factory=list, max_length=MOST_IDS, description="These and no others.")
    all: StrictBool = Field(default=False, description="The whole inbox, in place of any filter.")
    dry_run: StrictBool = Field(default=False, description="Only tell what would be done.")

    def filter(self) -> InboxFilter:
        """Raises Invalid when it is not clear what is meant."""
        wanted = InboxFilter(
            verdict=self.verdict,
            task_id=self.task_id,
            token_id=self.token_id,
            status=self.status,
            received_after=self.received_after,
            received_before=self.received_before,
            ids=tuple(int(one) for one in self.ids),
        )
        if wanted.is_empty and (not self.all or "ids" in self.model_fields_set):
            raise Invalid("empty_filter", 'nothing is filtered: say "all": true to run the whole inbox again')
        if self.all and not wanted.is_empty:
            raise Invalid("contradictory_filter", '"all": true takes no other filter')
        return wanted


class InboxRoutes:
    """One replay at a time: a second one would do the same work over."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        refused: RefusedCallbacks,
        rules: Rules,
        metrics: Metrics,
        archive: Nudge,
        reconcile: Nudge,
        sidecars: Nudge,
    ) -> None:
        self._catalog = catalog
        self._refused = refused
        self._rules = rules
        self._metrics = metrics
        self._nudges = (archive, reconcile, sidecars)
        self._replaying = asyncio.Lock()

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/callbacks", GET=(Scope.READ, self.list)),
            keys.route("/v1/callbacks/replay", POST=(Scope.ADMIN, self.replay)),
            keys.route("/v1/callbacks/{id}", GET=(Scope.ADMIN, self.one)),
        ]

    async def list(self, request: Request) -> Response:
        """The inbox; `verdict=refused` shows the ring of requests that were turned away instead."""
        query = list_query(request, CALLBACK_PARAMETERS)
        if query.filters.get("verdict") == REFUSED:
            if len(query.filters) > 1 or query.after is not None:
                raise Invalid("invalid_parameter", "verdict=refused takes no other filters and no cursor")
            newest = self._refused.newest_first()[: query.limit]
            return JSONResponse(page([_refused_document(one) for one in newest], None))
        found = await self._catalog.read(
            lambda tx: found_callbacks(tx, query.filters, after=query.after, limit=query.limit)
        )
        return JSONResponse(page([callback_document(row) for row in found.items], found.next))

    async def one(self, request: Request) -> Response:
        """One callback, raw: its headers with credentials masked, and its body as text or, failing that, base64."""
        text = request.path_params["id"]
        row = None
        if text.isascii() and text.isdigit() and len(text) <= 18:
            row = await self._catalog.read(lambda tx: tx.query.callback(int(text)))
        if row is None:
            raise NotFound("callback_not_found", "no such callback")
        document: RawCallbackDocument = {
            **callback_document(dict(row)),
            "headers": row["headers"],
            **_body(row["body"]),
            "detail": _detail(row),
        }
        return JSONResponse(document)

    async def replay(self, request: Request) -> Response:
        """Run callbacks again that were kept; 409 while another replay runs."""
        body = await read_model(request, CallbacksToReplay)
        wanted = body.filter()
        if self._replaying.locked():
            raise Conflict("replay_running", "another replay is running; wait for its end")
        async with self._replaying:
            progress = self._watch if not body.dry_run else _nobody
            replayed = await replay(
                self._catalog,
                wanted,
                rules=self._rules,
                dry_run=body.dry_run,
                progress=progress,
                by=actor_of(request),
            )
        return JSONResponse(_replayed_document(replayed))

    def _watch(self, progress: Progress) -> None:
        for reason in progress.deaths:
            self._metrics.died(reason)
        for nudge in self._nudges:
            nudge.nudge()


def found_callbacks(
    tx: Transaction, given: Mapping[str, Any], *, after: int | None, limit: int
) -> Page[Mapping[Any, Any]]:
    """Callbacks by values of CALLBACK_PARAMETERS, but for what was turned away."""
    filters = {name: value for name, value in given.items() if name not in _TIMES}
    times = {name: given[name] for name in _TIMES if name in given}
    found = tx.query.callbacks(filters=filters, after=after, limit=limit, **times)
    return Page([dict(row) for row in found.items], found.next)


def _nobody(_progress: Progress) -> None:
    """Nobody has to hear of what only would be done."""


def _body(body: bytes | None) -> BodyDocument:
    if body is None:
        return {"body": None, "body_base64": None}
    try:
        return {"body": body.decode("utf-8"), "body_base64": None}
    except UnicodeDecodeError:
        return {"body": None, "body_base64": base64.b64encode(body).decode()}


def _detail(row: Mapping[Any, Any]) -> str | None:
    """What was wrong with it, and why its body is not shown."""
    said = [row["detail"]] if row["detail"] else []
    if row["body"] is None and row["cleared_at"] is not None:
        said.append(f"body and headers are kept no longer since {rfc3339(row['cleared_at'])}")
    elif row["body"] is None:
        said.append("the body was not kept: there was no room for more of its callback URL or its task")
    return "; ".join(said) or None


def _refused_document(refused: RefusedCallback) -> RefusedCallbackDocument:
    return {
        "source": refused.source,
        "verdict": REFUSED,
        "reason": refused.reason,
        "received_at": rfc3339(refused.at),
        "client": refused.client,
        "user_agent": refused.user_agent,
    }


def _replayed_document(replayed: Replayed) -> CallbacksReplayedDocument:
    return {
        "dry_run": replayed.dry_run,
        "matched": replayed.matched,
        "readable": replayed.readable,
        "accepted": replayed.accepted,
        "foreign": replayed.foreign,
        "unreadable": replayed.unreadable,
        "without_body": replayed.without_body,
        "changed": list(replayed.changed),
        "changed_total": replayed.changed_total,
    }

"""`POST /callbacks/{source}/{token}`: token first, then the body, then the one door. Answers leave after the commit."""

import asyncio
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import assert_never

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.domain.allowance import NAME_AGAIN_AFTER
from service.domain.callback import Verdict
from service.domain.task import Origin
from service.errors import Unavailable
from service.intake.accept import ORDINARY, Intake
from service.intake.allowance import Allowances
from service.intake.batch import Answer, Delivery, Taken
from service.intake.callback_token import CallbackToken, TokenSigner
from service.intake.readiness import Readiness
from service.observability import CallbackVerdict, Metrics
from service.observability.seldom import Few, Seldom
from service.observability.tracing import NO_TRACING, SpanName, Tracing, Value
from service.provider.payload import Readable, Unreadable, read_callback
from service.web.answers.callbacks import AcceptedDocument
from service.web.body import READ_WITHIN, BodyIncomplete, BodyTooLarge, announced_bytes, read_announced
from service.web.problems import problem
from service.web.refused import RefusalReason, RefusedCallback, RefusedCallbacks

log = structlog.get_logger(__name__)

SOURCES = ("evolink",)
ROUTE = "/callbacks/{source}/{token}"

_ORDINARY = (CallbackVerdict.ACCEPTED, CallbackVerdict.DUPLICATE)

_KEPT_HEADERS = frozenset(
    (b"content-type", b"content-length", b"user-agent", b"x-forwarded-for", b"x-request-id", b"traceparent")
)
"""Headers that the inbox keeps; proxies write the whole path, and with it the token, into others."""

_LONGEST_HEADER = 300
_ACCEPTED = json.dumps(AcceptedDocument(status="accepted"))
_DUPLICATE = json.dumps(AcceptedDocument(status="duplicate"))
_TOO_FAST = "this callback URL is called too often"
_TOO_MANY = "too many tasks that only this callback URL has named wait for the provider's word"
_NOT_NOW = "the callback cannot be stored just now; send it again"  # the reason is the operator's: log and /readyz


class CallbackRoutes:
    """The provider's side of the house."""

    def __init__(
        self,
        *,
        signer: TokenSigner,
        revoked: Callable[[], Collection[str]],
        intake: Intake,
        allowances: Allowances,
        readiness: Readiness,
        refused: RefusedCallbacks,
        metrics: Metrics,
        max_body_bytes: int,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._signer = signer
        self._revoked = revoked
        self._intake = intake
        self._allowances = allowances
        self._readiness = readiness
        self._refused = refused
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._tracing = tracing
        self._large = asyncio.Lock()
        self._outages = Seldom("callback")
        self._refusals = Few()

    def routes(self) -> list[Route]:
        return [Route(ROUTE, self.receive, methods=["POST"]), Route(f"{ROUTE}/", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """One callback; every way it can end is counted and leaves a log line, during an outage one a minute."""
        started = time.perf_counter()
        now = datetime.now(UTC)
        source, text = request.path_params["source"], request.path_params["token"]
        if source not in SOURCES:
            return self._refuse(request, "unknown", RefusalReason.UNKNOWN_SOURCE, now)
        token = self._signer.verify(text, source=source, now=now)
        if token is None:
            return self._refuse(request, source, RefusalReason.BAD_TOKEN, now)
        if token.id in self._revoked():
            return self._refuse(request, source, RefusalReason.REVOKED_TOKEN, now)
        if (wait := self._allowances.admit(token.id)) > 0:
            self._count_limited(source, token)
            return _limited(_TOO_FAST, math.ceil(wait))
        try:
            return await self._take(request, source, token, now, started)
        except Unavailable as error:
            self._metrics.callback(source, CallbackVerdict.UNAVAILABLE)
            self._outages.tell(source=source, token_id=token.id, verdict="unavailable", reason=str(error))
            return problem(503, "unavailable", _NOT_NOW, headers={"Retry-After": str(error.retry_after)})

    async def _take(
        self, request: Request, source: str, token: CallbackToken, now: datetime, started: float
    ) -> Response:
        self._readiness.require_storable()
        announced = announced_bytes(request)
        self._allowances.charge(token.id, min(announced or 0, self._max_body_bytes))
        try:
            body = await read_announced(request, announced, self._max_body_bytes)
        except BodyTooLarge:
            self._metrics.callback(source, CallbackVerdict.TOO_LARGE)
            log.error("callback", source=source, token_id=token.id, verdict="too_large")
            return problem(413, "body_too_large", f"a callback has at most {self._max_body_bytes} bytes")
        except BodyIncomplete:
            self._metrics.callback(source, CallbackVerdict.INCOMPLETE)
            log.warning("callback", source=source, token_id=token.id, verdict="incomplete")
            return problem(408, "body_incomplete", f"the body did not arrive whole within {READ_WITHIN:.0f} s")
        if announced is None:
            self._allowances.charge(token.id, len(body))
        await self._allowances.look(token.id)
        if len(body) <= ORDINARY:
            delivery = _delivery(source, token, body, now, request.headers)
        else:
            async with self._large:  # one a turn: each may take a tenth of a second, and others want theirs
                delivery = _delivery(source, token, body, now, request.headers)
                await asyncio.sleep(0)
        try:
            taken = await self._intake.accept(delivery)
        except Unavailable as error:
            self._trace(delivery, error, 503, time.perf_counter() - started)
            raise
        answer = _answer(taken, delivery)
        if taken.answer is Answer.LIMITED:
            self._count_limited(source, token)
        else:
            seconds = time.perf_counter() - started
            self._count(delivery, taken, seconds)
            self._trace(delivery, taken, answer.status_code, seconds)
        return answer

    def _count(self, delivery: Delivery, taken: Taken, seconds: float) -> None:
        """A callback was made durable, with one log line."""
        source, token, verdict = delivery.source, delivery.token, _counted(taken)
        self._metrics.acknowledged(source, verdict, seconds)
        log.log(
            logging.INFO if verdict in _ORDINARY else logging.WARNING,
            "callback",
            source=source,
            task_id=delivery.event.task_id if delivery.event else None,
            status=delivery.event.word if delivery.event else None,
            verdict=verdict.value,
            token_id=token.id,
            bytes=len(delivery.body),
            ms=round(seconds * 1000, 1),
        )

    def _trace(self, delivery: Delivery, ended: Taken | Unavailable, status: int, seconds: float) -> None:
        """The span of a callback that tells of a task; what is turned away before or limited leaves none."""
        event = delivery.event
        if event is None or (trace := self._tracing.of(delivery.source, event.task_id)) is None:
            return
        attributes: dict[str, Value] = {
            "http.request.method": "POST",
            "http.route": ROUTE,
            "http.request.body.size": len(delivery.body),
            "http.response.status_code": status,
            "darkroom.callback.status": event.status.value,
        }
        error = None
        if isinstance(ended, Taken):
            attributes["darkroom.callback.verdict"] = _counted(ended).value
            attributes["darkroom.callback.duplicate"] = ended.answer is Answer.DUPLICATE
            attributes["darkroom.callback.together"] = ended.together
        else:
            error = str(ended)
            attributes["darkroom.callback.verdict"] = CallbackVerdict.UNAVAILABLE.value
            attributes["error.type"] = type(ended).__name__
        cause = delivery.headers.get("traceparent")
        trace.span(SpanName.CALLBACK, seconds=seconds, attributes=attributes, error=error, cause=cause)

    def _count_limited(self, source: str, token: CallbackToken) -> None:
        """A callback was turned away; the log hears of these once a minute."""
        self._metrics.callback(source, CallbackVerdict.LIMITED)
        self._allowances.limited(token.id)

    def _refuse(self, request: Request, source: str, reason: RefusalReason, now: datetime) -> Response:
        client = request.client.host if request.client else None
        user_agent = request.headers.get("user-agent", "")[:_LONGEST_HEADER] or None
        self._refused.add(RefusedCallback(now, source, reason, client, user_agent))
        self._metrics.callback(source if source in SOURCES else "unknown", CallbackVerdict.REFUSED)
        line = self._refusals.turn()
        if line is not None:
            log.warning("callback", source=source, verdict="refused", reason=reason.value, client=client, **line)
        return problem(404, "not_found", "no such callback URL")


def _delivery(source: str, token: CallbackToken, body: bytes, now: datetime, headers: Headers) -> Delivery:
    reading = read_callback(body)
    return Delivery(
        source=source,
        origin=Origin.CALLBACK,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        received_at=now,
        token=token,
        event=reading.event if isinstance(reading, Readable) else None,
        detail=reading.detail if isinstance(reading, Unreadable) else None,
        text=reading.text if isinstance(reading, Readable) else None,
        headers=_kept(headers),
    )


def _kept(headers: Headers) -> dict[str, str]:
    """Headers for the inbox: a few that tell who sent it, and no credentials; the first of each."""
    found = {name: value for name, value in reversed(headers.raw) if name in _KEPT_HEADERS}
    return {name.decode("latin-1"): value[:_LONGEST_HEADER].decode("latin-1") for name, value in found.items()}


def _counted(taken: Taken) -> CallbackVerdict:
    match taken.answer:
        case Answer.DUPLICATE:
            return CallbackVerdict.DUPLICATE
        case Answer.UNREADABLE:
            return CallbackVerdict.UNREADABLE
        case Answer.LIMITED:
            return CallbackVerdict.LIMITED
        case Answer.ACCEPTED:
            return CallbackVerdict.FOREIGN if taken.verdict is Verdict.FOREIGN else CallbackVerdict.ACCEPTED
        case _:
            assert_never(taken.answer)


def _limited(why: str, wait: int) -> Response:
    return problem(429, "limited", why, headers={"Retry-After": str(wait)})


def _answer(taken: Taken, delivery: Delivery) -> Response:
    match taken.answer:
        case Answer.LIMITED:
            return _limited(_TOO_MANY, NAME_AGAIN_AFTER)
        case Answer.ACCEPTED:
            return Response(_ACCEPTED, status_code=202, media_type="application/json")
        case Answer.DUPLICATE:
            return Response(_DUPLICATE, media_type="application/json")
        case Answer.UNREADABLE:
            return problem(422, "unreadable", delivery.detail or "the body could not be read as a task; it was kept")
        case _:
            assert_never(taken.answer)

"""`/evolink/v1`: the provider's own routes, for clients that change base URL and key. Shapes and errors are its own."""

import math
from collections.abc import Mapping
from functools import partial
from typing import assert_never
from urllib.parse import unquote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.domain.object_key import is_task_id
from service.domain.submission import IDEMPOTENCY_KEY, is_idempotency_key
from service.errors import DarkroomError, Unavailable
from service.intake.readiness import Readiness
from service.observability.seldom import Seldom
from service.provider.payload import storable
from service.submission.outcome import Client, Outcome, Reason, Rejected, Submitted
from service.submission.request import Wrong
from service.submission.submit import Submitter
from service.submission.urls import CallbackRule
from service.submission.validate import read_request
from service.submission.watch import Seen, Watch
from service.web.body import READ_WITHIN, BodyIncomplete, BodyTooLarge, read_capped
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.problems import PROVIDERS_ROUTES, provider_error

LARGEST_REQUEST = 1024 * 1024
LONGEST_LABEL, LONGEST_VALUE, MOST_TAGS = 200, 500, 32
REF, TAGS, WARNING = "Darkroom-Ref", "Darkroom-Tags", "Darkroom-Warning"
"""Headers of ours: labels for a submission, and what there is to say of it besides the provider's answer."""


class EvolinkRoutes:
    def __init__(
        self,
        *,
        submitter: Submitter,
        watch: Watch,
        readiness: Readiness,
        other_models: bool,
        callback_rule: CallbackRule,
    ) -> None:
        self._submitter = submitter
        self._watch = watch
        self._readiness = readiness
        self._read = partial(read_request, other_models=other_models, callback_rule=callback_rule)
        self._outages = Seldom("submission")

    def routes(self, keys: ApiKeys) -> list[Route]:
        base = f"{PROVIDERS_ROUTES}v1"
        return [
            keys.route(f"{base}/images/generations", refuse=provider_error, POST=(Scope.WRITE, self.submit)),
            keys.route(f"{base}/tasks/{{id}}", refuse=provider_error, GET=(Scope.READ, self.task)),
        ]

    async def submit(self, request: Request) -> Response:
        """The provider's answer, as it came; or its error, or one of ours in its shape."""
        try:
            client = _client(request)
            if isinstance(client, Wrong):
                return _wrong(client)
            self._readiness.require_storable()
            asked = self._read(await read_capped(request, LARGEST_REQUEST))
            if isinstance(asked, Wrong):
                return _wrong(asked)
            outcome = await self._submitter.submit(asked, client)
            answer = _answer(outcome)
            if isinstance(outcome, Submitted):
                if await request.is_disconnected():
                    await self._submitter.not_received(outcome)
                else:
                    answer.background = BackgroundTask(self._submitter.handed_out, outcome)
            return answer
        except BodyTooLarge:
            return provider_error(413, "invalid_request", f"a request has at most {LARGEST_REQUEST} bytes")
        except BodyIncomplete:
            return provider_error(408, "invalid_request", f"the body did not arrive whole within {READ_WITHIN:.0f} s")
        except DarkroomError as error:
            return self._unavailable(error)

    async def task(self, request: Request) -> Response:
        """The task as the provider would show it, with links of ours to what is archived."""
        task_id = request.path_params["id"]
        if not is_task_id(task_id):
            return provider_error(400, "invalid_task_id", "this is not the id of a task", param="id")
        try:
            return _seen(await self._watch.task(task_id))
        except DarkroomError as error:
            return self._unavailable(error)

    def _unavailable(self, error: DarkroomError) -> Response:
        if not isinstance(error, Unavailable):
            raise error
        self._outages.tell(reason=str(error))
        message = "the service cannot take requests just now; nothing was sent"
        return provider_error(503, "service_unavailable", message, headers={"Retry-After": str(error.retry_after)})


def _client(request: Request) -> Client | Wrong:
    """Who submits, with the labels that its headers give; values are percent-encoded where they are not plain."""
    key = request.headers.get("idempotency-key")
    if key is not None and not is_idempotency_key(key):
        return Wrong("Idempotency-Key", "invalid_parameters", f"Idempotency-Key must be {IDEMPOTENCY_KEY}")
    ref = request.headers.get(REF)
    tags = _tags(request.headers.getlist(TAGS))
    if tags is None or (ref is not None and len(unquote(ref)) > LONGEST_LABEL):
        message = (
            f"{REF} has at most {LONGEST_LABEL} characters, {TAGS} is name=value, name=value, …: at most {MOST_TAGS}, "
            f"names up to {LONGEST_LABEL} and values up to {LONGEST_VALUE} characters, percent-encoded"
        )
        return Wrong(REF if tags is not None else TAGS, "invalid_parameters", message)
    actor = actor_of(request)
    return Client(actor.name, key, storable(unquote(ref)) if ref is not None else None, tags, actor)


def _tags(headers: list[str]) -> dict[str, str] | None:
    """Labels by name; None where they are not what the header takes."""
    tags: dict[str, str] = {}
    for pair in filter(None, (part.strip() for header in headers for part in header.split(","))):
        name, equals, value = (storable(unquote(part)) for part in pair.partition("="))
        if not equals or not 1 <= len(name) <= LONGEST_LABEL or len(value) > LONGEST_VALUE:
            return None
        tags[name] = value
    return tags if len(tags) <= MOST_TAGS else None


def _wrong(wrong: Wrong) -> Response:
    return provider_error(400, wrong.code, wrong.message, param=wrong.param)


def _answer(outcome: Outcome) -> Response:
    match outcome:
        case Submitted():
            headers = {"Darkroom-Submission": outcome.submission.id}
            if outcome.replayed:
                headers["Idempotency-Replayed"] = "true"
            if said := (*outcome.warnings, *outcome.budgets):
                headers[WARNING] = "; ".join(said).encode("ascii", "replace").decode()
            return Response(outcome.body, outcome.status, headers=headers, media_type="application/json")
        case Rejected():
            return _rejected(outcome)
        case _:
            assert_never(outcome)


def _rejected(rejected: Rejected) -> Response:
    headers = {"Retry-After": str(math.ceil(rejected.retry_after))} if rejected.retry_after is not None else {}
    match rejected.reason:
        case Reason.DECLINED:
            return _declined(rejected, headers)
        case Reason.KEY_REUSED:
            status = 400
        case Reason.OVER_BUDGET:
            status = 402
        case Reason.LOST:
            status = 409
        case Reason.NOT_SENT | Reason.UNCLEAR | Reason.NO_PROVIDER:
            status = 503
        case _:
            assert_never(rejected.reason)
    return provider_error(status, rejected.code, rejected.message, param=rejected.param, headers=headers)


def _declined(rejected: Rejected, headers: Mapping[str, str]) -> Response:
    """The provider's own refusal; but for one of the key, which is the operator's and not the client's."""
    assert rejected.status is not None
    if rejected.status == 401 or not 400 <= rejected.status < 600:
        message = f"the provider does not let us in: {rejected.message}"
        return provider_error(503, "service_unavailable", message, headers={"Retry-After": "60"})
    return Response(rejected.body or b"", rejected.status, headers=headers, media_type="application/json")


def _seen(seen: Seen) -> Response:
    if seen.document is not None:
        return JSONResponse(seen.document, headers={"Cache-Control": "no-store"})
    if seen.known_missing:
        return provider_error(404, "task_not_found", "no task has this id")
    message = f"the provider could not be asked about this task: {seen.detail}"
    return provider_error(503, "service_unavailable", message, headers={"Retry-After": "5"})

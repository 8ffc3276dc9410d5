"""What every request to the provider's routes passes: it is counted, meets the API's state, and shows its key."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.api_error import ApiError
from service.simulator.api_state import ApiState, ApiSwitch, Condition
from service.simulator.request_count import Asked, RequestCount

Reply = Response | ApiError
Handler = Callable[[Request], Awaitable[Reply]]
Endpoint = Callable[[Request], Awaitable[Response]]


class ApiGate:
    """Stands before the handlers of one run; with no `api_key`, any key that is not empty is good."""

    def __init__(self, *, api_key: str | None, switch: ApiSwitch, count: RequestCount) -> None:
        self._api_key = api_key
        self._switch = switch
        self._count = count

    def before(self, handler: Handler, asked: Asked) -> Endpoint:
        """The endpoint that lets requests through to a handler and makes answers of its refusals."""

        async def endpoint(request: Request) -> Response:
            self._count.came(asked)
            state = self._switch.state
            if state.state is Condition.SILENT and _concerns(state, asked):
                await _until_hung_up(request)
                return Response()  # nobody is there to get it
            reply = await self._reply(request, handler, asked, state)
            if isinstance(reply, ApiError):
                reply = reply.response(integer_code=self._switch.habits.integer_codes)
            self._count.answered(asked, reply.status_code)
            return reply

        return endpoint

    async def _reply(self, request: Request, handler: Handler, asked: Asked, state: ApiState) -> Reply:
        if _concerns(state, asked):
            if state.state is Condition.SLOW:
                await asyncio.sleep(state.seconds)
            if (trouble := _trouble(state)) is not None:
                return trouble
        return self._refusal(request) or await handler(request)

    def _refusal(self, request: Request) -> ApiError | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return ApiError(401, "unauthorized", "An API key is needed: Authorization: Bearer KEY.")
        if self._api_key is None or hmac.compare_digest(key.encode(), self._api_key.encode()):
            return None
        return _BAD_KEY


_BAD_KEY = ApiError(401, "invalid_api_key", "The API key is not valid.")


def _concerns(state: ApiState, asked: Asked) -> bool:
    return asked.reads or state.submit


def _trouble(state: ApiState) -> ApiError | None:
    """The refusal that a state answers everything with."""
    match state.state:
        case Condition.OK | Condition.SLOW | Condition.SILENT:
            return None
        case Condition.DOWN:
            return ApiError(503, "service_unavailable", "The service is not available at present.")
        case Condition.REFUSING:
            return _BAD_KEY
        case Condition.BROKE:
            return ApiError(402, "insufficient_quota", "The account has no credits left.")
        case Condition.FORBIDDEN:
            return ApiError(403, "permission_denied", "The key may not do this.")
        case Condition.THROTTLING:
            return ApiError(429, "rate_limit_exceeded", "Too many requests.", retry_after=state.retry_after)
        case _:
            assert_never(state.state)


async def _until_hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

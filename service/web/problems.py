"""Errors → HTTP, in one place: `application/problem+json` (RFC 9457) with a stable `code`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.errors import (
    Conflict,
    DarkroomError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    Unavailable,
    WrongKind,
)
from service.observability.seldom import Seldom
from service.provider.error_document import error_document
from service.web.answers.document import ProblemDocument

_STATUS: Mapping[type[Refused], int] = {
    Invalid: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    WrongKind: 415,
}


PROVIDERS_ROUTES = "/evolink/"
"""What begins with this is asked by the provider's clients, who know its errors only."""


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem(status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document: `code` is for machines, `detail` for people."""
    document: ProblemDocument = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return ProblemResponse(document, status_code=status, headers=headers)


def provider_error(
    status: int, code: str, detail: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as the provider's clients know it."""
    return JSONResponse(error_document(status, code, detail, param=param), status_code=status, headers=headers)


def status_of(error: Refused) -> int:
    """The status by which a refusal is answered."""
    return _STATUS[type(error)]


def handlers() -> dict[Any, Any]:
    """What an application does with errors; each application has its own log of outages."""
    outages = Seldom("unavailable")

    def expected(request: Request, error: Exception) -> Response:
        assert isinstance(error, DarkroomError)
        match error:
            case Refused():
                return problem(status_of(error), error.code, str(error))
            case Unavailable():
                outages.tell(reason=str(error))
                return problem(503, "unavailable", str(error), headers={"Retry-After": str(error.retry_after)})
            case _:
                return _unexpected(request, error)

    return {DarkroomError: expected, HTTPException: _http, Exception: _unexpected}


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(PROVIDERS_ROUTES):
        code = "not_found" if error.status_code == 404 else "invalid_request"
        return provider_error(error.status_code, code, str(error.detail), headers=error.headers)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


def _unexpected(_request: Request, _error: Exception) -> Response:
    # outside of all middleware, so it sets what every answer has by itself
    headers = {"X-Content-Type-Options": "nosniff", "Connection": "close"}
    return problem(500, "internal_error", "something went wrong here; the log has the details", headers=headers)

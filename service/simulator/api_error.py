"""The provider's error answers as values: `{"error": {code, message, type, param?}}`. Source: its API pages."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota_error",
    403: "permission_error",
    429: "rate_limit_error",
}


@dataclass(frozen=True, slots=True)
class ApiError:
    """One refusal; `param` names the parameter that is wrong, `retry_after` is in seconds."""

    status: int
    code: str
    message: str
    param: str | None = None
    retry_after: int | None = None

    def response(self, *, integer_code: bool = False) -> JSONResponse:
        """The answer; with `integer_code` the status stands for the code."""
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        code = self.status if integer_code else self.code
        error: dict[str, Any] = {"code": code, "message": self.message, "type": _TYPES.get(self.status, usual)}
        if self.param is not None:
            error["param"] = self.param
        headers = {"retry-after": str(self.retry_after)} if self.retry_after is not None else None
        return JSONResponse({"error": error}, status_code=self.status, headers=headers)


def invalid(param: str, message: str) -> ApiError:
    """A parameter of a submission is wrong."""
    return ApiError(400, "invalid_parameters", message, param)

"""The provider's error answers as values: `{"error": {code, message, type, param?}}`. Source: its API pages."""

from dataclasses import dataclass

from starlette.responses import JSONResponse

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


@dataclass(frozen=True, slots=True)
class ApiError:
    """One refusal; `param` names the parameter that is wrong."""

    status: int
    code: str
    message: str
    param: str | None = None

    def response(self) -> JSONResponse:
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"code": self.code, "message": self.message, "type": _TYPES.get(self.status, usual)}
        if self.param is not None:
            error["param"] = self.param
        return JSONResponse({"error": error}, status_code=self.status)


def invalid(param: str, message: str) -> ApiError:
    """A parameter of a submission is wrong."""
    return ApiError(400, "invalid_parameters", message, param)

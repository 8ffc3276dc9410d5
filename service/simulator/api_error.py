"""The provider's error answers as values: `{"error": {code, message, type, param?}}`. Source: its API pages."""

from dataclasses import dataclass

from starlette.responses import JSONResponse

from service.provider.error_document import error_document


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
        code = self.status if integer_code else self.code
        document = error_document(self.status, code, self.message, param=self.param)
        headers = {"retry-after": str(self.retry_after)} if self.retry_after is not None else None
        return JSONResponse(document, status_code=self.status, headers=headers)


def invalid(param: str, message: str) -> ApiError:
    """A parameter of a submission is wrong."""
    return ApiError(400, "invalid_parameters", message, param)

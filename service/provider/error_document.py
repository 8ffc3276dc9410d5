"""The provider's way of saying no, for those who speak to its clients. Pure. Source: its pages of errors."""

from typing import NotRequired

from typing_extensions import TypedDict

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota_error",
    403: "permission_error",
    429: "rate_limit_error",
}


class ProviderFault(TypedDict):
    """What is wrong: `code` is for machines, `message` for people, `param` names the parameter that is wrong."""

    code: str | int
    message: str
    type: str
    param: NotRequired[str | None]


class ProviderErrorDocument(TypedDict):
    """An error as the provider tells of it."""

    error: ProviderFault


def error_document(status: int, code: str | int, message: str, *, param: str | None = None) -> ProviderErrorDocument:
    """`{"error": {code, message, type, param?}}`; `param` names the parameter that is wrong."""
    usual = "server_error" if status >= 500 else "invalid_request_error"
    error: ProviderFault = {"code": code, "message": message, "type": _TYPES.get(status, usual)}
    if param is not None:
        error["param"] = param
    return {"error": error}

"""The provider's way of saying no, for those who speak to its clients. Pure. Source: its pages of errors."""

from typing import Any

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota_error",
    403: "permission_error",
    429: "rate_limit_error",
}


def error_document(status: int, code: str | int, message: str, *, param: str | None = None) -> dict[str, Any]:
    """`{"error": {code, message, type, param?}}`; `param` names the parameter that is wrong."""
    usual = "server_error" if status >= 500 else "invalid_request_error"
    error: dict[str, Any] = {"code": code, "message": message, "type": _TYPES.get(status, usual)}
    if param is not None:
        error["param"] = param
    return {"error": error}

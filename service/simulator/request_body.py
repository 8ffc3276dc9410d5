"""Reads the body of a request, up to a limit."""

import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from service.simulator.api_error import ApiError

MOST_BODY_BYTES = 1024 * 1024


async def read_body(request: Request) -> bytes | ApiError:
    """The request's body, refused as soon as it is too long."""
    body = bytearray()
    try:
        async for block in request.stream():
            body += block
            if len(body) > MOST_BODY_BYTES:
                return ApiError(400, "invalid_request", "The body is too long.")
    except ClientDisconnect:
        return ApiError(400, "invalid_request", "The body is not complete.")
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any] | ApiError:
    """The request's body, which has to be a JSON object."""
    body = await read_body(request)
    if isinstance(body, ApiError):
        return body
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ApiError(400, "invalid_request", "The body is not valid JSON.")
    return document if isinstance(document, dict) else ApiError(400, "invalid_request", "The body is not an object.")

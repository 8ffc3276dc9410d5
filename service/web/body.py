"""Request bodies, capped while they are read and bounded in time."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from service.errors import Invalid, TooLarge, WrongKind

M = TypeVar("M", bound=BaseModel)

READ_WITHIN = 15.0
"""Seconds for a whole body; the provider itself gives up after 10."""

_LARGEST_JSON = 256 * 1024
_LARGEST_FORM = 128 * 1024
"""Bytes: as many ids as a list takes at once, of the longest kind."""

_LONGEST_PLACE = 200
_FORM = "application/x-www-form-urlencoded"
_JSON = ("application/json", "", _FORM)
"""Media types of bodies: who names none means JSON, and so does `curl -d`, which says the last of everything."""

MERGE_PATCH = "application/merge-patch+json"
"""Members to set, and null for those to remove (RFC 7396)."""


class BodyTooLarge(Exception):  # noqa: N818 - an outcome that the route answers with 413
    """The body is over the cap; what was read of it is thrown away."""


class BodyIncomplete(Exception):  # noqa: N818 - an outcome that the route answers with 408
    """The caller hung up or took too long; nothing was kept."""


def announced_bytes(request: Request) -> int | None:
    """The length that a body is announced with, or None where it is not."""
    text = request.headers.get("content-length", "")
    return int(text.lstrip("0")[:19] or "0") if text.isascii() and text.isdigit() else None


async def read_capped(request: Request, limit: int) -> bytes:
    """The body, in one buffer; raises BodyTooLarge as soon as more than `limit` bytes are announced or came,
    BodyIncomplete when it does not come whole within 15 s."""
    return await read_announced(request, announced_bytes(request), limit)


async def read_announced(request: Request, announced: int | None, limit: int) -> bytes:
    """The same, where it is known already how long the body is said to be."""
    if (announced or 0) > limit:
        raise BodyTooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise BodyIncomplete
                body += message.get("body", b"")
                if len(body) > limit:
                    raise BodyTooLarge
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BodyIncomplete from None


async def read_model(request: Request, model: type[M], *, also: str | None = None) -> M:
    """A JSON body as a model; an empty one counts as `{}`. Raises Invalid with the field that is wrong, TooLarge, and
    WrongKind for what is said not to be JSON, nor of the media type `also`."""
    if _media_type(request) not in (*_JSON, also) and (announced_bytes(request) != 0):
        raise WrongKind("unsupported_media_type", "send JSON, with Content-Type: application/json")
    body = await _read(request, _LARGEST_JSON)
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid("invalid_request", f"{_place(first['loc'])}: {first['msg']}") from None


def _place(parts: tuple[int | str, ...]) -> str:
    """Where in a body something is wrong; the caller's own names are not repeated at any length, nor with a NUL."""
    place = ".".join(map(str, parts))[:_LONGEST_PLACE] or "body"
    return place if place.isprintable() else ascii(place)


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form that a page sent, the last of each name. Raises Invalid, TooLarge, and WrongKind."""
    if _media_type(request) != _FORM:
        raise WrongKind("unsupported_media_type", f"send a form, with Content-Type: {_FORM}")
    body = await _read(request, _LARGEST_FORM)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError:
        raise Invalid("invalid_request", "this is no form") from None


async def _read(request: Request, limit: int) -> bytes:
    try:
        return await read_capped(request, limit)
    except BodyTooLarge:
        raise TooLarge("body_too_large", f"the body is over {limit} bytes") from None
    except BodyIncomplete:
        raise Invalid("body_incomplete", f"the body did not arrive whole within {READ_WITHIN:.0f} s") from None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()

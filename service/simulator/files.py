"""Serves result images without authentication, with the faults that strike their first requests.

What the provider's file hosts were seen to do: links die, default library User-Agents get 403, an error page can
come with status 200.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import assert_never

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.simulator.book import Book
from service.simulator.chance import Chance
from service.simulator.faults import ImageFault
from service.simulator.image_shelf import ImageShelf
from service.simulator.links import SIGNATURE, refusal
from service.simulator.request_count import Asked, RequestCount
from service.simulator.tasks import ResultImage

BLOCK = 64 * 1024
DRIBBLES = 20
"""Parts that a slow image is sent in."""

DEFAULT_AGENTS = re.compile(r"python-|.*\baiohttp/|go-http-client|java/|$", re.IGNORECASE)
"""User-Agents that libraries send when nobody set one, or none at all."""

_PAGE = "<!doctype html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
_WRONG_TYPES = ("text/html; charset=utf-8", "application/octet-stream", "application/json")


class ImageFiles:
    """The file host of one run."""

    def __init__(
        self,
        *,
        book: Book,
        shelf: ImageShelf,
        chance: Chance,
        count: RequestCount,
        slow_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._count = count
        self._shelf = shelf
        self._chance = chance
        self._slow_seconds = slow_seconds
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/files/{account}/images/{year}/{month}/{day}/{name}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        """`GET /files/<account>/images/YYYY/MM/DD/<32 hex>.<ext>`; Range is not heeded."""
        self._count.came(Asked.FILES)
        if DEFAULT_AGENTS.match(request.headers.get("user-agent", "").strip()):
            return PlainTextResponse("error code: 1010", status_code=403)
        found = self._book.image(request.url.path)
        if found is None:
            return _missing()
        task, image = found
        if image.true is None or self._clock() >= image.expires_at:
            return _missing()
        signed = SIGNATURE in request.query_params
        if (status := refusal(task, image, path=request.url.path, signed=signed)) is not None:
            return PlainTextResponse(HTTPStatus(status).phrase, status_code=status)
        if request.method == "HEAD":
            return Response(headers=_headers(image.picture.format.media_type, image.true.size))
        fault = image.next_fault()
        data = await self._shelf.read(image.picture)
        return self._whole(image, data) if fault is None else self._spoilt(image, data, fault)

    def _whole(self, image: ResultImage, data: bytes, *, media_type: str | None = None) -> Response:
        image.times_served += 1
        headers = _headers(media_type or image.picture.format.media_type, len(data))
        return StreamingResponse(_blocks(data), headers=headers)

    def _spoilt(self, image: ResultImage, data: bytes, fault: ImageFault) -> Response:
        media_type, name = image.picture.format.media_type, image.picture.name
        half = data[: len(data) // 2]
        match fault:
            case ImageFault.SLOW:
                image.times_served += 1
                return StreamingResponse(_dribble(data, self._slow_seconds), headers=_headers(media_type, len(data)))
            case ImageFault.TRUNCATED if self._chance.number(2, "cut", name, image.requests):
                return _CutResponse(half, headers=_headers(media_type, len(data)))
            case ImageFault.TRUNCATED:
                return StreamingResponse(_blocks(half), headers={"content-type": media_type})
            case ImageFault.HTML:
                return HTMLResponse(_PAGE)
            case ImageFault.MISSING:
                return _missing()
            case ImageFault.PARTIAL:
                headers = {"content-type": media_type, "content-range": f"bytes 0-{len(half) - 1}/{len(data)}"}
                return Response(half, status_code=206, headers=headers)
            case ImageFault.WRONG_TYPE:
                return self._whole(image, data, media_type=self._chance.choice(_WRONG_TYPES, "type", name))
            case _:
                assert_never(fault)


class _CutResponse(Response):
    """Announces more than it sends; the server then drops the connection."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})


def _missing() -> Response:
    return PlainTextResponse("Not Found", status_code=404)


def _headers(media_type: str, length: int) -> dict[str, str]:
    return {"content-type": media_type, "content-length": str(length)}


async def _blocks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), BLOCK):
        yield data[start : start + BLOCK]


async def _dribble(data: bytes, seconds: float) -> AsyncIterator[bytes]:
    """The whole of it, in small parts spread over some seconds."""
    part = len(data) // DRIBBLES + 1
    for start in range(0, len(data), part):
        await asyncio.sleep(seconds / DRIBBLES)
        yield data[start : start + part]

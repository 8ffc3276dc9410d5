"""`/openapi.json`, `/docs` and `/static`: what the API is, for machines and for people. Open to everybody."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.web.conditions import Validators, judged
from service.web.content import conditional
from service.web.description.document import openapi
from service.web.description.everything import OPERATIONS
from service.web.description.examples import EXAMPLES
from service.web.description.page import page_of

_PARTS = resources.files("service.web.static")
_STATIC: Mapping[str, str] = {"docs.css": "text/css", "docs.js": "text/javascript"}

_ONLY_OURS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The page holds a key while it is used: nothing of others runs in it, and it talks to nobody else."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes that stay as long as the process does."""

    body: bytes
    media_type: str
    etag: str


class DocsRoutes:
    """`public_url` is where the document says that the service is. The document is made when it is first asked for."""

    def __init__(self, *, public_url: str) -> None:
        self._public_url = public_url

    def routes(self) -> list[Route]:
        return [
            Route("/openapi.json", self.document, methods=["GET"]),
            Route("/docs", self.page, methods=["GET"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        ]

    async def document(self, request: Request) -> Response:
        return _answer(request, (await asyncio.to_thread(_made, self._public_url))[0], {})

    async def page(self, request: Request) -> Response:
        return _answer(request, (await asyncio.to_thread(_made, self._public_url))[1], _ONLY_OURS)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404)
        return _answer(request, _static(name), {})


@cache
def _made(public_url: str) -> tuple[_Part, _Part]:
    """The document and its page."""
    document = openapi(OPERATIONS, version=metadata.version("darkroom"), public_url=public_url, examples=EXAMPLES)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _part(text.encode(), "application/json"), _part(page_of(document).encode(), "text/html; charset=utf-8")


@cache
def _static(name: str) -> _Part:
    return _part((_PARTS / name).read_bytes(), f"{_STATIC[name]}; charset=utf-8")


def _part(body: bytes, media_type: str) -> _Part:
    return _Part(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _answer(request: Request, part: _Part, headers: Mapping[str, str]) -> Response:
    """The whole of it, or 304: another version may come with the next release, so it is asked for each time."""
    said = {"ETag": part.etag, "Cache-Control": "no-cache", **headers}
    unchanged = conditional(judged(request.headers, Validators(part.etag)), said)
    return unchanged or Response(part.body, headers={**said, "Content-Type": part.media_type})

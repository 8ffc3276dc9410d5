"""`/openapi.json`, `/docs` and `/static`: what the API is, for machines and for people. Open to everybody."""

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.web.static_files import Part, part_response, static_route

_ONLY_OURS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The page holds a key while it is used: nothing of others runs in it, and it talks to nobody else."""


class DocsRoutes:
    """`public_url` is where the document says that the service is. The document is made when it is first asked for."""

    def __init__(self, *, public_url: str) -> None:
        self._public_url = public_url

    def routes(self) -> list[Route]:
        return [
            Route("/openapi.json", self.document, methods=["GET"]),
            Route("/docs", self.page, methods=["GET"]),
            static_route(),
        ]

    async def document(self, request: Request) -> Response:
        return part_response(request, (await asyncio.to_thread(_made, self._public_url))[0], {})

    async def page(self, request: Request) -> Response:
        return part_response(request, (await asyncio.to_thread(_made, self._public_url))[1], _ONLY_OURS)


@cache
def _made(public_url: str) -> tuple[Part, Part]:
    """The document and its page; what makes them is loaded now, as a start does not wait for it."""
    from service.web.description.document import openapi  # noqa: PLC0415 - see above
    from service.web.description.everything import OPERATIONS  # noqa: PLC0415
    from service.web.description.examples import EXAMPLES  # noqa: PLC0415
    from service.web.description.page import page_of  # noqa: PLC0415

    document = openapi(OPERATIONS, version=metadata.version("darkroom"), public_url=public_url, examples=EXAMPLES)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Part(text.encode(), "application/json"), Part(page_of(document).encode(), "text/html; charset=utf-8")

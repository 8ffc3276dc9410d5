"""`/static`: the files of our pages. Open to everybody, and the same for everybody.

A script names the others that it imports by what they hold, as pages do: each is fetched once and runs once.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.web.conditions import Validators, judged
from service.web.content import conditional

_FOLDER = resources.files("service.web.static")
_TYPES: Mapping[str, str] = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_IMPORTED = re.compile(rb'(?<=from "\./)[a-z_]+\.js(?=")')

ASKED_EACH_TIME = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Part:
    """Bytes that stay as long as the process does."""

    body: bytes
    media_type: str

    @cached_property
    def print(self) -> str:
        """What changes with the bytes."""
        return hashlib.sha256(self.body).hexdigest()[:32]


def static_route() -> Route:
    return Route("/static/{name}", _static, methods=["GET"])


def address_of(name: str) -> str:
    """The address of a file as it is now, which a browser may keep for ever."""
    return f"/static/{name}?v={_file(name).print[:12]}"


def part_response(
    request: Request, part: Part, headers: Mapping[str, str], *, caching: str = ASKED_EACH_TIME
) -> Response:
    """The whole of it, or 304: another version may come with the next release."""
    etag = f'"{part.print}"'
    said = {"ETag": etag, "Cache-Control": caching, **headers}
    unchanged = conditional(judged(request.headers, Validators(etag)), said)
    return unchanged or Response(part.body, headers={**said, "Content-Type": part.media_type})


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _names():
        raise HTTPException(404)
    part = _file(name)
    caching = FOR_EVER if request.query_params.get("v") == part.print[:12] else ASKED_EACH_TIME
    return part_response(request, part, {}, caching=caching)


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in _FOLDER.iterdir() if file.name.rpartition(".")[2] in _TYPES)


@cache
def _file(name: str) -> Part:
    kind, body = name.rpartition(".")[2], (_FOLDER / name).read_bytes()
    if kind == "js":
        body = _IMPORTED.sub(lambda found: address_of(found[0].decode()).rpartition("/")[2].encode(), body)
    return Part(body, f"{_TYPES[kind]}; charset=utf-8")

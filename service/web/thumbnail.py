"""An archived image's thumbnail: a WebP that can be kept for ever, or a placeholder that cannot be kept at all."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.decoding.verdict import Unusable
from service.domain.asset import Asset
from service.domain.thumbnail import SIZES, USUAL_SIZE
from service.thumbnails.making import Thumbnails
from service.web.conditions import Validators, judged
from service.web.content import FOR_KEYS, NEVER_RUN, conditional, disposition, stored_bytes
from service.web.parameters import OneOf, Parameter

MEDIA_TYPE = "image/webp"

PLACEHOLDER = base64.b64decode(
    "UklGRrQAAABXRUJQVlA4TKcAAAAv/8A/AE0obdsI0l3g7T/yF3Ywov8TEF+bu9oEDmQaIGEh0Z4hMb3BwsLKWNbub6EgkpWKbAQn"
    "kVl8yMcLBWkbMK1/yzvBSJKkRIVDHbGVF5wY8gP+g//gP/gPvxGXn64Q4wXo9GBwU33ZyMNUV9/rqu99/Rsm/msor9W+Fi+Df3Zr"
    "/7KB/xr+a4WsxeVrVZCK/ryRH0tgwFUfE3DZwH/wH/wH/+E3DAA="
)
"""A grey square with a crossed frame in it, 256 pixels wide."""


class Size:
    """One of the sizes that there are."""

    schema: Mapping[str, Any] = {"type": "integer", "enum": list(SIZES)}

    def read(self, text: str) -> int:
        return int(OneOf(tuple(map(str, SIZES))).read(text))


SIZE = Parameter("size", "Pixels of the longer edge, at most.", Size(), usual=USUAL_SIZE)
THUMBNAIL = Parameter("thumbnail", "A small picture in place of the image: pixels of its longer edge.", Size())


async def thumbnail_response(
    request: Request, asset: Asset | None, thumbnails: Thumbnails, *, size: int = USUAL_SIZE, caching: str = FOR_KEYS
) -> Response:
    """The thumbnail, 304, 412, or the placeholder; raises the errors of `stored_bytes` and Unavailable."""
    stored = stored_bytes(asset)
    assert asset is not None
    made = await thumbnails.of(asset, size)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Disposition": disposition(f"{asset.id}.{size}.webp"),
        "Darkroom-Derived-From": f"sha256:{stored.sha256}",
        **NEVER_RUN,
    }
    if isinstance(made, Unusable):
        headers |= {"Cache-Control": "no-store", "Darkroom-Placeholder": made.value}
        return _answer(request, PLACEHOLDER, headers)
    validators = Validators(f'"{hashlib.sha256(made).hexdigest()}"', asset.archived_at)
    headers |= {"Cache-Control": caching, **validators.headers()}
    return conditional(judged(request.headers, validators), headers) or _answer(request, made, headers)


def _answer(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    headers["Content-Length"] = str(len(body))
    return Response(body if request.method == "GET" else b"", headers=headers)

"""An archived image's bytes, as received: strong ETag, conditions, one Range, HEAD, immutable."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from service.domain.asset import Asset, AssetStatus, Stored
from service.errors import Conflict, Gone, Invalid, NotFound, StorageUnavailable
from service.storage import Blocks, ObjectStore
from service.web.conditions import Validators, Verdict, judged, range_applies
from service.web.parameters import require_single
from service.web.problems import problem
from service.web.ranges import Whole, wanted

FOR_KEYS = "private, max-age=31536000, immutable"
FOR_LINKS = "private, no-cache"  # a signed link can be revoked

NEVER_RUN: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""What others made is shown as an image, and never as anything that runs."""

LINK_SECONDS = 300
"""How long a redirect's target works: to begin a download, and no longer."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")


def stored_bytes(asset: Asset | None) -> Stored:
    """The stored bytes of an asset; raises NotFound, Gone or Conflict with what to do."""
    if asset is None:
        raise NotFound("asset_not_found", "no such asset")
    match asset.status:
        case AssetStatus.ARCHIVED:
            assert asset.stored is not None
            return asset.stored
        case AssetStatus.DELETED:
            raise Gone("asset_deleted", "this asset was deleted")
        case AssetStatus.PENDING:
            raise Conflict("asset_pending", "this asset is not archived yet; ask again later")
        case AssetStatus.DEAD:
            raise NotFound("asset_dead", f"this asset was never archived: {asset.reason}")


def disposition(name: str, *, download: bool = False) -> str:
    """A Content-Disposition; what no system takes in a file's name, and could end the quotes, becomes `_`."""
    return f'{"attachment" if download else "inline"}; filename="{_NOT_IN_NAMES.sub("_", name)}"'


def conditional(verdict: Verdict, headers: Mapping[str, str]) -> Response | None:
    """304 or 412 for what conditions came to, with what these have of the whole answer's headers; None to go on."""
    match verdict:
        case Verdict.PROCEED:
            return None
        case Verdict.NOT_MODIFIED:
            kept = ("ETag", "Last-Modified", "Cache-Control")
            return Response(status_code=304, headers={name: headers[name] for name in kept if name in headers})
        case Verdict.FAILED:
            return _refusal(412, "precondition_failed", "these are other bytes than the request's conditions name")


async def content_response(
    request: Request, asset: Asset | None, store: ObjectStore, *, caching: str = FOR_KEYS, redirect: bool = False
) -> Response:
    """The bytes, a part of them, 304, 412, or 416; raises the errors of `stored_bytes`, Invalid and StorageUnavailable.

    With `redirect` it is 307 to where the store itself gives them, if it can; ranges are then the store's to answer. It
    cannot say `attachment`, so what is to be downloaded comes from here.
    """
    stored = stored_bytes(asset)
    assert asset is not None
    download = _download(request)
    validators = Validators(f'"{stored.sha256}"', asset.archived_at)
    headers = {
        **validators.headers(),
        "Accept-Ranges": "bytes",
        "Cache-Control": caching,
        "Content-Disposition": disposition(f"{asset.id}.{stored.object_key.rpartition('.')[2]}", download=download),
        **NEVER_RUN,
    }
    if (answer := conditional(judged(request.headers, validators), headers)) is not None:
        return answer
    head = request.method == "HEAD"
    if redirect and not download and (url := await store.presign(stored.object_key, LINK_SECONDS, head=head)):
        return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})  # the link dies, and is not to be kept
    part = wanted(_range(request, validators), stored.size)
    if part is Whole.UNSATISFIABLE:
        return _refusal(416, "range_not_satisfiable", "the range lies outside the image", size=stored.size)
    if part is Whole.SEVERAL:
        return _refusal(416, "several_ranges", "one range at a time is given, not several", size=stored.size)
    headers["Content-Type"] = stored.image.format.media_type
    if isinstance(part, Whole):
        status, first, length = 200, 0, stored.size
    else:
        status, first, length = 206, part.first, part.length
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{stored.size}"
    headers["Content-Length"] = str(length)
    if head:
        return Response(status_code=status, headers=headers)
    return StreamingResponse(await _blocks(store, stored.object_key, first, length), status, headers)


def _download(request: Request) -> bool:
    """Whether the bytes are for a file, not for a page. Raises Invalid."""
    require_single(request, "download")
    given = request.query_params.get("download")
    if given not in (None, "1"):
        raise Invalid("invalid_parameter", "download takes 1, or is left out")
    return given is not None


def _range(request: Request, validators: Validators) -> str | None:
    """The Range that counts: of a GET, and of these bytes."""
    lines = request.headers.getlist("range")
    if request.method != "GET" or not lines or not range_applies(request.headers.get("if-range"), validators):
        return None
    return ",".join(lines)


def _refusal(status: int, code: str, detail: str, *, size: int | None = None) -> Response:
    """A problem that no cache keeps in the image's place; `size` is that of what ranges may be asked of."""
    ranges = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"} if size is not None else {}
    return problem(status, code, detail, headers={"Cache-Control": "no-store", **ranges})


async def _blocks(store: ObjectStore, key: str, first: int, length: int) -> Blocks:
    blocks = await store.read(key, first, length)
    if blocks is None:
        raise StorageUnavailable("the stored bytes are missing from the archive")
    return blocks

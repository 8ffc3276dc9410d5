"""An archived image's bytes, as received: strong ETag, Range, HEAD, immutable."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from service.domain.asset import Asset, AssetStatus, Stored
from service.errors import Conflict, Gone, NotFound, StorageUnavailable
from service.storage import Blocks, ObjectStore
from service.web.problems import problem
from service.web.ranges import Whole, not_modified, range_applies, wanted

FOR_KEYS = "private, max-age=31536000, immutable"
FOR_LINKS = "private, no-cache"  # a signed link can be revoked

LINK_SECONDS = 300
"""How long a redirect's target works: to begin a download, and no longer."""


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


async def content_response(
    request: Request, asset: Asset | None, store: ObjectStore, *, caching: str = FOR_KEYS, redirect: bool = False
) -> Response:
    """The bytes, a part of them, 304, or 416; raises the errors of `stored_bytes` and StorageUnavailable.

    With `redirect` it is 307 to where the store itself gives them, if it can; ranges are then the store's to answer.
    """
    stored = stored_bytes(asset)
    assert asset is not None
    etag = f'"{stored.sha256}"'
    name = f"{asset.id}.{stored.object_key.rpartition('.')[2]}"
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": caching,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if not_modified(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if redirect and (url := await store.presign(stored.object_key, LINK_SECONDS, head=request.method == "HEAD")):
        return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})  # the link dies, and is not to be kept
    applies = request.method == "GET" and range_applies(request.headers.get("if-range"), etag)
    asked = request.headers.get("range") if applies else None
    part = wanted(asked, stored.size)
    if part is Whole.UNSATISFIABLE:
        unsatisfiable = {**headers, "Content-Range": f"bytes */{stored.size}"}
        return problem(416, "range_not_satisfiable", "the range lies outside the image", headers=unsatisfiable)
    headers["Content-Type"] = stored.image.format.media_type
    if isinstance(part, Whole):
        status, first, length = 200, 0, stored.size
    else:
        status, first, length = 206, part.first, part.length
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{stored.size}"
    headers["Content-Length"] = str(length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(await _blocks(store, stored.object_key, first, length), status, headers)


async def _blocks(store: ObjectStore, key: str, first: int, length: int) -> Blocks:
    blocks = await store.read(key, first, length)
    if blocks is None:
        raise StorageUnavailable("the stored bytes are missing from the archive")
    return blocks

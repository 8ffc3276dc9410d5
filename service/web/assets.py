"""`/v1/assets` and `/a/{token}`: list, look, fetch the bytes, give a signed link away, delete."""

from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.archive.deletion import delete
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tokens import SignedLink
from service.domain.asset import Asset, split_asset_id
from service.domain.audit import Action
from service.domain.moment import rfc3339
from service.domain.thumbnail import USUAL_SIZE
from service.errors import Gone, NotFound
from service.intake.asset_link import AssetLinkSigner, new_link_id
from service.intake.minting import LONGEST_LIFE
from service.intake.permanent_link import image_of
from service.storage import ObjectStore
from service.thumbnails.making import Thumbnails
from service.web.body import read_model
from service.web.content import FOR_LINKS, content_response, stored_bytes
from service.web.documents import asset_document
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.narrowing import assets_asked_for
from service.web.paging import list_query, page
from service.web.parameters import require_single, single_parameters
from service.web.thumbnail import size_of, thumbnail_response


class LinkToSign(BaseModel):
    """`expires_in` is in seconds; without it the link lives until it is revoked."""

    model_config = ConfigDict(extra="forbid")

    expires_in: int | None = Field(default=None, ge=1, le=LONGEST_LIFE)


class AssetRoutes:
    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        thumbnails: Thumbnails,
        signer: AssetLinkSigner,
        public_url: str,
        purge: Nudge,
        sidecars: Nudge,
        redirect: bool = False,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._thumbnails = thumbnails
        self._signer = signer
        self._public_url = public_url
        self._purge = purge
        self._sidecars = sidecars
        self._redirect = redirect

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/assets", GET=(Scope.READ, self.list)),
            keys.route("/v1/assets/{id}", GET=(Scope.READ, self.one), DELETE=(Scope.ADMIN, self.delete)),
            keys.route("/v1/assets/{id}/content", GET=(Scope.READ, self.content)),
            keys.route("/v1/assets/{id}/thumbnail", GET=(Scope.READ, self.thumbnail)),
            keys.route("/v1/assets/{id}/links", GET=(Scope.READ, self.links), POST=(Scope.WRITE, self.sign)),
            keys.route("/v1/assets/{id}/links/{link}", DELETE=(Scope.ADMIN, self.revoke)),
            Route("/a/{token}", self.signed_content, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        asked = assets_asked_for(request)
        found = await self._catalog.read(
            lambda tx: tx.query.assets(asked.filter, limit=asked.limit, after=asked.after, sort=asked.sort)
        )
        items = [asset_document(asset, public_url=self._public_url) for asset in found.items]
        return JSONResponse(page(items, found.next))

    async def one(self, request: Request) -> Response:
        asset = await self._asset(request)
        return JSONResponse(asset_document(asset, public_url=self._public_url))

    async def content(self, request: Request) -> Response:
        return await content_response(request, await self._asset(request), self._store, redirect=self._redirect)

    async def thumbnail(self, request: Request) -> Response:
        asked = single_parameters(request, ("size",), of="a thumbnail").get("size")
        size = size_of(asked) if asked is not None else USUAL_SIZE
        return await thumbnail_response(request, await self._asset(request), self._thumbnails, size=size)

    async def delete(self, request: Request) -> Response:
        """The tombstone is durable when this answers; the bytes follow at once."""
        asset = await self._asset(request)
        await self._catalog.write(partial(delete, task_id=asset.task_id, index=asset.index), by=actor_of(request))
        self._purge.nudge()
        self._sidecars.nudge()
        return Response(status_code=204)

    async def sign(self, request: Request) -> Response:
        asset = await self._asset(request)
        stored_bytes(asset)
        body = await read_model(request, LinkToSign)
        now = datetime.now(UTC)
        expires_at = now + timedelta(seconds=body.expires_in) if body.expires_in else None
        link = SignedLink(new_link_id(), asset.task_id, asset.index, now, expires_at)
        await self._catalog.write(partial(_signed, link=link), by=actor_of(request))
        url = f"{self._public_url}/a/{self._signer.sign(link.id, expires_at)}"
        return JSONResponse({**_link_document(link), "url": url}, status_code=201)

    async def links(self, request: Request) -> Response:
        query = list_query(request)
        asset = await self._asset(request)
        found = await self._catalog.read(
            lambda tx: tx.query.links(asset.task_id, asset.index, after=query.after, limit=query.limit)
        )
        return JSONResponse(page([_link_document(link) for link in found.items], found.next))

    async def revoke(self, request: Request) -> Response:
        asset = await self._asset(request)
        link_id = request.path_params["link"]
        if not await self._catalog.write(partial(_revoked, asset=asset, link_id=link_id), by=actor_of(request)):
            raise NotFound("link_not_found", "this asset has no such link")
        return Response(status_code=204)

    async def signed_content(self, request: Request) -> Response:
        """The bytes for whoever holds a signed link, or with `thumbnail` a small picture of them.

        A wrong, expired or revoked link looks like none.
        """
        link_id = self._signer.verify(request.path_params["token"], now=datetime.now(UTC))
        found = await self._catalog.read(partial(_linked, link_id=link_id)) if link_id else None
        if found is None:
            raise NotFound("link_not_found", "no such link")
        require_single(request, "thumbnail")
        asked = request.query_params.get("thumbnail")
        try:
            if asked is not None:
                size = size_of(asked)
                return await thumbnail_response(request, found, self._thumbnails, size=size, caching=FOR_LINKS)
            return await content_response(request, found, self._store, caching=FOR_LINKS)
        except Gone:
            raise NotFound("link_not_found", "no such link") from None

    async def _asset(self, request: Request) -> Asset:
        where = split_asset_id(request.path_params["id"])
        asset = await self._catalog.read(lambda tx: tx.query.asset(*where)) if where else None
        if asset is None:
            raise NotFound("asset_not_found", "no such asset")
        return asset


def _linked(tx: Transaction, *, link_id: str) -> Asset | None:
    """The image of a link that is not revoked; a permanent one opens it also where it is not remembered."""
    link = tx.tokens.link(link_id)
    if link is not None:
        return tx.query.asset(link.task_id, link.index) if link.revoked_at is None else None
    image = image_of(link_id)
    return tx.query.asset(*image) if image is not None else None


def _signed(tx: Transaction, *, link: SignedLink) -> None:
    tx.tokens.add_link(link)
    tx.audit.note(Action.LINK_SIGNED, link.id, asset_id=f"{link.task_id}.{link.index}")


def _revoked(tx: Transaction, *, asset: Asset, link_id: str) -> bool:
    """Whether it was a link to this image; a permanent one that is not remembered, as after a rebuild, is one, too."""
    link = tx.tokens.link(link_id)
    if link is None and image_of(link_id) == (asset.task_id, asset.index):
        link = SignedLink(link_id, asset.task_id, asset.index, tx.now)
        tx.tokens.add_link(link)
    if link is None or (link.task_id, link.index) != (asset.task_id, asset.index):
        return False
    if link.revoked_at is None:
        tx.tokens.revoke_link(link_id, tx.now)
        tx.audit.note(Action.LINK_REVOKED, link_id, asset_id=f"{asset.task_id}.{asset.index}")
    return True


def _link_document(link: SignedLink) -> dict[str, str | None]:
    return {
        "id": link.id,
        "asset_id": f"{link.task_id}.{link.index}",
        "created_at": rfc3339(link.created_at),
        "expires_at": rfc3339(link.expires_at),
        "revoked_at": rfc3339(link.revoked_at),
    }

"""`/v1/assets/{id}/similar`: archived images that look like one, by the bits in which their hashes differ."""

from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.domain.asset import Asset, AssetStatus, split_asset_id
from service.domain.likeness import MOST_APART, apart, quarters_of
from service.errors import Conflict, NotFound
from service.web.answers.assets import AlikeDocument, SimilarDocument
from service.web.documents import asset_document
from service.web.keys import ApiKeys, Scope
from service.web.parameters import Parameter, Whole, read_parameters

USUALLY_APART = 6
"""Bits in which an image and its resized, recompressed or slightly cut copy differ, at most, nearly always."""

MOST_SHOWN = 100

DISTANCE = Parameter(
    "distance", "Bits of 64 in which they may differ.", Whole(0, MOST_APART), usual=USUALLY_APART, example=6
)


@dataclass(frozen=True, slots=True)
class Alike:
    """The nearest first, with their distances; `complete`: none was left out."""

    found: list[tuple[int, Asset]]
    complete: bool


class SimilarRoutes:
    def __init__(self, *, catalog: Catalog, public_url: str) -> None:
        self._catalog = catalog
        self._public_url = public_url

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [keys.route("/v1/assets/{id}/similar", GET=(Scope.READ, self.similar))]

    async def similar(self, request: Request) -> Response:
        given = read_parameters(request, (DISTANCE,), of="similar images")
        distance = given.get("distance", USUALLY_APART)
        where = split_asset_id(request.path_params["id"])
        alike = await self._catalog.read(partial(alike_to, where=where, distance=distance))
        items: list[AlikeDocument] = [
            {"distance": bits, "asset": asset_document(asset, public_url=self._public_url)}
            for bits, asset in alike.found
        ]
        document: SimilarDocument = {"items": items, "distance": distance, "complete": alike.complete}
        return JSONResponse(document)


def alike_to(tx: Transaction, *, where: tuple[str, int] | None, distance: int) -> Alike:
    """Raises NotFound; and Conflict where nobody has looked at the image."""
    asset = tx.query.asset(*where) if where else None
    if asset is None:
        raise NotFound("asset_not_found", "no such asset")
    mine = quarters_of(asset.details) if asset.status is AssetStatus.ARCHIVED else None
    if mine is None:
        raise Conflict("no_perceptual_hash", "this image has no perceptual hash (yet): its `details` say why")
    candidates, complete = tx.details.candidates(mine, distance)
    near = sorted((bits, one.seq) for one in candidates if (bits := apart(mine, one.alike)) <= distance)
    shown = near[: MOST_SHOWN + 1]  # one of them is the image itself
    assets = tx.details.archived(seq for _, seq in shown)
    found = [(bits, assets[seq]) for bits, seq in shown if seq in assets and assets[seq].id != asset.id]
    return Alike(found[:MOST_SHOWN], complete and len(near) == len(shown))

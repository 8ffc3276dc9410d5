"""One image: what was asked for and what came of it, beside the wall; and its bytes, from here and nowhere else."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.domain.api_key import ApiKey
from service.domain.asset import Asset, AssetStatus, split_asset_id
from service.domain.history import HistoryEntry
from service.domain.object_key import sidecar_key
from service.domain.task import Task
from service.errors import NotFound
from service.gallery.door import Door
from service.gallery.site import Site
from service.gallery.tiles import colour_of, edges, thumbnail
from service.gallery.wall import Wall
from service.storage import ObjectStore
from service.submission.price_list import Prices
from service.upkeep.stored_bytes import Trouble, read_small
from service.web.answers.assets import AssetDocument
from service.web.answers.tasks import HistoryEntryDocument, TaskDocument
from service.web.content import content_response
from service.web.documents import asset_document, entry_document, task_document

LONGEST_TITLE = 80
LARGEST_SIDECAR = 512 * 1024


@dataclass(frozen=True, slots=True)
class ShownImage:
    """What the panel shows of an image; `others` are the images of the same task."""

    asset: AssetDocument
    task: TaskDocument
    history: Sequence[HistoryEntryDocument]
    width: int
    height: int
    colour: str | None
    picture: str | None

    @property
    def title(self) -> str:
        words = " ".join((self.task["prompt"] or "").split())
        return words[:LONGEST_TITLE] or self.asset["id"]

    @property
    def others(self) -> list[AssetDocument]:
        return [one for one in self.task["assets"] if one["id"] != self.asset["id"]]

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """What the image tells of itself, as far as it is one value."""
        found = self.asset["details"] or {}
        told: list[tuple[str, str]] = []
        for name, value in found.items():
            if name in ("version", "pixels"):
                continue
            told += _plain(name, value)
        return told

    @property
    def colours(self) -> list[tuple[str, int]]:
        """The dominant colours, as #rrggbb and percent."""
        pixels: Any = (self.asset["details"] or {}).get("pixels") or {}
        return [(one["colour"], round(100 * one["share"])) for one in pixels.get("dominant", ())]


class ImagePages:
    """`/images/{id}`: the wall with the panel open, the panel alone, the bytes, the sidecar."""

    def __init__(
        self, *, catalog: Catalog, store: ObjectStore, site: Site, wall: Wall, public_url: str, prices: Prices
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._site = site
        self._wall = wall
        self._shown = partial(shown_image, public_url=public_url, prices=prices)

    def routes(self, door: Door) -> list[Route]:
        return [
            door.page("/images/{id}", self.whole),
            door.page("/images/{id}/panel", self.panel),
            door.page("/images/{id}/original", self.original),
            door.page("/images/{id}/sidecar", self.sidecar),
        ]

    async def whole(self, request: Request, key: ApiKey) -> Response:
        image = await self._image(request)
        return await self._wall.response(request, key, from_image=image.asset["id"], image=image)

    async def panel(self, request: Request, key: ApiKey) -> Response:
        return self._site.page(request, "image.html", key=key, image=await self._image(request))

    async def original(self, request: Request, key: ApiKey) -> Response:  # noqa: ARG002
        """The bytes as the page may show them: never from another address, which it would not take."""
        where = split_asset_id(request.path_params["id"])
        asset = await self._catalog.read(lambda tx: tx.query.asset(*where)) if where else None
        return await content_response(request, asset, self._store)

    async def sidecar(self, request: Request, key: ApiKey) -> Response:
        """The task's file in the archive, as it is."""
        shown = await self._catalog.read(partial(found_image, asset_id=request.path_params["id"]))
        task = shown[0]
        said: bytes | Trouble | None = None
        if task.archive_date is not None:
            name = sidecar_key(task.source, task.archive_date, task.id)
            said = await read_small(self._store, name, LARGEST_SIDECAR)
        text = _readable(said) if isinstance(said, bytes) else None
        return self._site.page(request, "sidecar.html", key=key, text=text)

    async def _image(self, request: Request) -> ShownImage:
        return self._shown(*await self._catalog.read(partial(found_image, asset_id=request.path_params["id"])))


def found_image(tx: Transaction, *, asset_id: str) -> tuple[Task, Sequence[Asset], Asset, list[HistoryEntry]]:
    """Raises NotFound."""
    where = split_asset_id(asset_id)
    state = tx.tasks.get(where[0]) if where else None
    asset = next((one for one in state.assets if one.id == asset_id), None) if state else None
    if state is None or asset is None:
        raise NotFound("asset_not_found", "no such image")
    return state.task, state.assets, asset, tx.tasks.history(state.task.id)


def shown_image(
    task: Task, assets: Sequence[Asset], asset: Asset, history: list[HistoryEntry], *, public_url: str, prices: Prices
) -> ShownImage:
    width, height = edges(asset)
    is_there = asset.status is AssetStatus.ARCHIVED
    return ShownImage(
        asset=asset_document(asset, public_url=public_url),
        task=task_document(task, assets, public_url=public_url, prices=prices),
        history=[entry_document(entry, task) for entry in history],
        width=width,
        height=height,
        colour=colour_of(asset),
        picture=thumbnail(asset.id, 1024) if is_there else None,
    )


def _plain(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for inner, one in value.items() for pair in _plain(f"{name}.{inner}", one)]
    if isinstance(value, list):
        return [(name, ", ".join(str(one) for one in value))] if value else []
    return [(name, str(value))] if value is not None else []


def _readable(said: bytes) -> str:
    """JSON as people read it; what is none as it is."""
    try:
        return json.dumps(json.loads(said), indent=2, ensure_ascii=False)
    except ValueError:
        return said.decode("utf-8", "replace")

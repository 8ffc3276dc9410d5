"""An image as the wall shows it, and the addresses of its parts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from service.catalog.exporting import ListedImage
from service.domain.asset import Asset, AssetStatus
from service.domain.thumbnail import SIZES

LONGEST_ALT = 200
_UNKNOWN_EDGES = (3, 2)


@dataclass(frozen=True, slots=True)
class Tile:
    """What a place on the wall needs; `width` and `height` in pixels, `colour` as #rrggbb."""

    number: int
    id: str
    status: AssetStatus
    reason: str | None
    alt: str
    width: int
    height: int
    colour: str | None
    sources: str

    @property
    def page(self) -> str:
        return f"/images/{quote(self.id)}"


def tile_of(listed: ListedImage) -> Tile:
    asset = listed.asset
    width, height = edges(asset)
    prompt = " ".join((listed.prompt or "").split())
    return Tile(
        number=listed.number,
        id=asset.id,
        status=asset.status,
        reason=asset.reason,
        alt=prompt if len(prompt) <= LONGEST_ALT else f"{prompt[: LONGEST_ALT - 1]}…",
        width=width,
        height=height,
        colour=colour_of(asset),
        sources=sources(asset),
    )


def edges(asset: Asset) -> tuple[int, int]:
    """Width and height as shown; something usual where nobody knows."""
    if asset.stored is None:
        return _UNKNOWN_EDGES
    return asset.stored.image.width, asset.stored.image.height


def colour_of(asset: Asset) -> str | None:
    """The average colour, once somebody looked."""
    pixels: Mapping[str, Any] = (asset.details or {}).get("pixels") or {}
    colour = pixels.get("average")
    return colour if isinstance(colour, str) else None


def thumbnail(asset_id: str, size: int) -> str:
    return f"/v1/assets/{quote(asset_id)}/thumbnail?size={size}"


def sources(asset: Asset) -> str:
    """Thumbnails by their width, for `srcset`; none where there are no bytes."""
    if asset.status is not AssetStatus.ARCHIVED:
        return ""
    width, height = edges(asset)
    widths = {size: max(1, round(min(size, max(width, height)) * width / max(width, height))) for size in SIZES[:2]}
    return ", ".join(f"{thumbnail(asset.id, size)} {wide}w" for size, wide in widths.items())

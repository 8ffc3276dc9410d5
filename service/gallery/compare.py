"""`/compare?a=…&b=…`: two images side by side, or one over the other, and in what they differ; with `a` alone, a choice
of images to compare it with.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.catalog.filters import AssetFilter
from service.domain.api_key import ApiKey
from service.domain.asset import AssetStatus, split_asset_id
from service.errors import Conflict
from service.gallery.differences import Comparison
from service.gallery.door import Door
from service.gallery.image import ShownImage, found_image, shown_image
from service.gallery.site import Site
from service.submission.price_list import Prices
from service.web.parameters import Parameter, read_parameters
from service.web.similar import USUALLY_APART, alike_to

MOST_CHOICES = 24
"""Of each kind."""

_PARAMETERS = (Parameter("a", "The first image."), Parameter("b", "The second image."))


class ComparePage:
    def __init__(self, *, catalog: Catalog, site: Site, public_url: str, prices: Prices) -> None:
        self._catalog = catalog
        self._site = site
        self._public_url = public_url
        self._prices = prices

    def routes(self, door: Door) -> list[Route]:
        return [door.page("/compare", self.page)]

    async def page(self, request: Request, key: ApiKey) -> Response:
        given = dict(read_parameters(request, _PARAMETERS, of="this page"))
        first, second = given.get("a"), given.get("b")
        if not first:
            return RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        if not second or second == first:
            image, kinds = await self._catalog.read(partial(self._choice, asset_id=first))
            return self._site.page(request, "compare_with.html", key=key, image=image, kinds=kinds)
        both = await self._catalog.read(lambda tx: Comparison(self._image(tx, first), self._image(tx, second)))
        return self._site.page(request, "compare.html", key=key, both=both)

    def _image(self, tx: Transaction, asset_id: str) -> ShownImage:
        """Raises NotFound."""
        found = found_image(tx, asset_id=asset_id)
        return shown_image(*found, public_url=self._public_url, prices=self._prices)

    def _choice(self, tx: Transaction, *, asset_id: str) -> tuple[ShownImage, Mapping[str, Sequence[str]]]:
        """An image, and the ids of those to compare it with, by kind; none comes twice."""
        image = self._image(tx, asset_id)
        newest = tx.export.images(AssetFilter(status=AssetStatus.ARCHIVED), limit=MOST_CHOICES).items
        kinds = {
            "task": [one["id"] for one in image.others if one["status"] is AssetStatus.ARCHIVED],
            "alike": _alike(tx, asset_id),
            "newest": [one.asset.id for one in newest],
        }
        offered = {asset_id}
        for kind, ids in kinds.items():
            kinds[kind] = [one for one in ids if one not in offered][:MOST_CHOICES]
            offered.update(ids)
        return image, kinds


def _alike(tx: Transaction, asset_id: str) -> list[str]:
    try:
        found = alike_to(tx, where=split_asset_id(asset_id), distance=USUALLY_APART).found
    except Conflict:  # nobody has looked at it, or there is nothing to look at
        return []
    return [one.id for _, one in found]

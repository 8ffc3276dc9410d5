"""The pages, put together."""

from collections.abc import Sequence

from starlette.routing import Route

from service.bootstrap.weaknesses import Weakness
from service.catalog.catalog import Catalog
from service.gallery.compare import ComparePage
from service.gallery.door import Door
from service.gallery.image import ImagePages
from service.gallery.live import LiveRoute, Pulses
from service.gallery.ops import Operations
from service.gallery.picked import PickedImages
from service.gallery.site import Site
from service.gallery.wall import Wall
from service.intake.readiness import Readiness
from service.storage import ObjectStore
from service.submission.price_list import Prices
from service.web.browsers import Browsers
from service.web.export import ExportRoutes
from service.web.keys import ApiKeys
from service.web.refused import RefusedCallbacks
from service.web.stats import StatsRoutes


def gallery_routes(
    *,
    browsers: Browsers,
    keys: ApiKeys,
    catalog: Catalog,
    store: ObjectStore,
    public_url: str,
    prices: Prices,
    stats: StatsRoutes,
    export: ExportRoutes,
    weaknesses: Sequence[Weakness],
    readiness: Readiness,
    refused: RefusedCallbacks,
) -> list[Route]:
    site = Site(browsers)
    door = Door(site=site, keys=keys, browsers=browsers)
    wall = Wall(catalog=catalog, site=site, public_url=public_url)
    images = ImagePages(catalog=catalog, store=store, site=site, wall=wall, public_url=public_url, prices=prices)
    compare = ComparePage(catalog=catalog, site=site, public_url=public_url, prices=prices)

    def draining() -> bool:
        return readiness.draining

    live = LiveRoute(Pulses(catalog, draining=draining), browsers=browsers, draining=draining)
    operations = Operations(
        catalog=catalog, site=site, stats=stats, weaknesses=weaknesses, readiness=readiness, refused=refused
    )
    return [
        *door.routes(),
        *wall.routes(door),
        *images.routes(door),
        *compare.routes(door),
        *PickedImages(export=export, browsers=browsers).routes(door),
        *live.routes(door),
        *operations.routes(door),
    ]

"""The pages, put together."""

from starlette.routing import Route

from service.catalog.catalog import Catalog
from service.gallery.door import Door
from service.gallery.image import ImagePages
from service.gallery.site import Site
from service.gallery.wall import Wall
from service.storage import ObjectStore
from service.submission.price_list import Prices
from service.web.browsers import Browsers
from service.web.keys import ApiKeys


def gallery_routes(
    *, browsers: Browsers, keys: ApiKeys, catalog: Catalog, store: ObjectStore, public_url: str, prices: Prices
) -> list[Route]:
    site = Site(browsers)
    door = Door(site=site, keys=keys, browsers=browsers)
    wall = Wall(catalog=catalog, site=site)
    images = ImagePages(catalog=catalog, store=store, site=site, wall=wall, public_url=public_url, prices=prices)
    return [*door.routes(), *wall.routes(door), *images.routes(door)]

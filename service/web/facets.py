"""`/v1/facets`: how many tasks or images a filter finds, and how they divide."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog
from service.catalog.facets import Facets
from service.web.keys import ApiKeys, Scope
from service.web.narrowing import assets_asked_for, tasks_asked_for


class FacetRoutes:
    """Each takes the filters of its list, and neither a page nor an order."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/facets/tasks", GET=(Scope.READ, self.tasks)),
            keys.route("/v1/facets/assets", GET=(Scope.READ, self.assets)),
        ]

    async def tasks(self, request: Request) -> Response:
        wanted = tasks_asked_for(request, paged=False).filter
        return JSONResponse(_document(await self._catalog.read(lambda tx: tx.facets.tasks(wanted))))

    async def assets(self, request: Request) -> Response:
        wanted = assets_asked_for(request, paged=False).filter
        return JSONResponse(_document(await self._catalog.read(lambda tx: tx.facets.assets(wanted))))


def _document(facets: Facets) -> dict[str, Any]:
    values = {
        name: [{"value": value, "count": count} for value, count in counts.items()]
        for name, counts in facets.values.items()
    }
    return {"count": facets.counted, "exact": facets.exact, "facets": values}

"""`/livez`, `/readyz`, `/metrics`: is the loop alive, can we store durably now, and the figures."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.intake.readiness import Readiness
from service.observability import Metrics
from service.web.answers.health import AliveDocument, ReadinessDocument
from service.web.keys import ApiKeys, Scope


class HealthRoutes:
    """`warnings` tells what is wrong without keeping callbacks from being stored, by part."""

    def __init__(
        self, *, readiness: Readiness, metrics: Metrics, warnings: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._warnings = warnings

    def routes(self) -> list[Route]:
        return [Route("/livez", self.livez, methods=["GET"]), Route("/readyz", self.readyz, methods=["GET"])]

    def metrics_route(self, keys: ApiKeys | None) -> Route:
        """The metrics, for keys with `read`; without keys only on a port of its own."""
        if keys is not None:
            return keys.route("/metrics", GET=(Scope.READ, self.metrics))
        return Route("/metrics", self.metrics, methods=["GET"])

    async def livez(self, _request: Request) -> Response:
        document: AliveDocument = {"status": "alive"}
        return JSONResponse(document)

    async def readyz(self, _request: Request) -> Response:
        problems = self._readiness.problems
        document: ReadinessDocument = {
            "status": "not ready" if problems else "ready",
            "problems": problems,
            "warnings": dict(self._warnings()),
        }
        return JSONResponse(document, status_code=503 if problems else 200, headers={"Cache-Control": "no-store"})

    async def metrics(self, _request: Request) -> Response:
        body, content_type = self._metrics.render()
        return Response(body, media_type=None, headers={"Content-Type": content_type})

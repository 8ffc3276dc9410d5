"""The Starlette application: routes by role, one middleware, errors mapped in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from service.bootstrap import Components, key_mark, running
from service.bootstrap.details import wanted_of
from service.bootstrap.weaknesses import weaknesses
from service.gallery.routes import gallery_routes
from service.outbound.address_policy import HTTPS_PORT
from service.settings import Role
from service.submission.urls import CallbackRule
from service.web.api_keys import KeyRoutes
from service.web.assets import AssetRoutes
from service.web.audit import AuditRoutes
from service.web.browsers import Browsers
from service.web.callback_urls import CallbackUrlRoutes
from service.web.callbacks import CallbackRoutes
from service.web.docs import DocsRoutes
from service.web.events import EventRoutes
from service.web.evolink import EvolinkRoutes
from service.web.export import ExportRoutes
from service.web.facets import FacetRoutes
from service.web.health import HealthRoutes
from service.web.inbox import InboxRoutes
from service.web.keys import ApiKeys
from service.web.middleware import AnswerHeaders
from service.web.problems import handlers
from service.web.refused import RefusedCallbacks
from service.web.similar import SimilarRoutes
from service.web.stats import StatsRoutes
from service.web.submissions import SubmissionRoutes
from service.web.tasks import TaskRoutes


def create_app(parts: Components) -> Starlette:
    """The service as an ASGI application; its lifespan runs the background work."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with running(parts):
            yield

    app = Starlette(
        routes=_routes(parts),
        middleware=[Middleware(AnswerHeaders, draining=lambda: parts.readiness.draining)],
        exception_handlers=handlers(),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect on the callback path loses the callback
    return app


def create_metrics_app(parts: Components) -> Starlette:
    """Health and metrics alone, without keys, for a port of their own."""
    health = _health(parts)
    return Starlette(routes=[*health.routes(), health.metrics_route(None)], exception_handlers=handlers())


def _routes(parts: Components) -> list[BaseRoute]:
    settings = parts.settings
    browsers = Browsers(parts.sessions, secure=settings.public_url.startswith("https:"))
    serves_api = Role.API in settings.roles
    keys = ApiKeys(parts.keys, parts.failures, browsers if serves_api else None)
    refused = RefusedCallbacks()
    health = _health(parts)
    routes: list[BaseRoute] = []
    if Role.RECEIVER in settings.roles:  # first, as routes are tried in order
        callbacks = CallbackRoutes(
            signer=parts.signer,
            revoked=parts.revoked.ids,
            intake=parts.intake,
            allowances=parts.allowances,
            readiness=parts.readiness,
            refused=refused,
            metrics=parts.metrics,
            max_body_bytes=settings.callbacks.max_body_bytes,
            tracing=parts.tracing,
        )
        routes += callbacks.routes()
    routes += health.routes()
    if settings.server.metrics_port is None:
        routes.append(health.metrics_route(keys))
    if serves_api:
        routes += _api_routes(parts, keys, browsers, refused)
    return routes


def _health(parts: Components) -> HealthRoutes:
    return HealthRoutes(readiness=parts.readiness, metrics=parts.metrics, warnings=parts.warnings)


def _api_routes(parts: Components, keys: ApiKeys, browsers: Browsers, refused: RefusedCallbacks) -> list[BaseRoute]:
    public_url = parts.settings.public_url
    urls = CallbackUrlRoutes(catalog=parts.catalog, signer=parts.signer, revoked=parts.revoked, public_url=public_url)
    assets = AssetRoutes(
        catalog=parts.catalog,
        store=parts.store,
        thumbnails=parts.thumbnails,
        signer=parts.link_signer,
        public_url=public_url,
        purge=parts.purge_nudge,
        sidecars=parts.sidecar_nudge,
        redirect=parts.settings.storage.redirect,
    )
    tasks = TaskRoutes(
        catalog=parts.catalog,
        rules=parts.rules,
        public_url=public_url,
        archive=parts.archive_nudge,
        reconcile=parts.reconcile_nudge,
        sidecars=parts.sidecar_nudge,
        prices=parts.submitting.prices,
    )
    inbox = InboxRoutes(
        catalog=parts.catalog,
        refused=refused,
        rules=parts.rules,
        metrics=parts.metrics,
        archive=parts.archive_nudge,
        reconcile=parts.reconcile_nudge,
        sidecars=parts.sidecar_nudge,
    )
    stats = StatsRoutes(
        catalog=parts.catalog,
        rules=parts.rules,
        key_mark=key_mark(parts.settings),
        health=lambda: parts.provider.health if parts.provider else None,
        budgets=parts.submitting.budgets,
        looked=wanted_of(parts.settings),
    )
    evolink = EvolinkRoutes(
        submitter=parts.submitting.submitter,
        watch=parts.submitting.watch,
        readiness=parts.readiness,
        other_models=parts.settings.submit.other_models,
        callback_rule=CallbackRule(trusted_networks=parts.settings.notify.trusted_networks, only_port=HTTPS_PORT),
    )
    export = ExportRoutes(
        catalog=parts.catalog, store=parts.store, public_url=public_url, prices=parts.submitting.prices
    )
    gallery = gallery_routes(
        browsers=browsers,
        keys=keys,
        catalog=parts.catalog,
        store=parts.store,
        public_url=public_url,
        prices=parts.submitting.prices,
        stats=stats,
        export=export,
        weaknesses=list(weaknesses(parts.settings)),
        readiness=parts.readiness,
        refused=refused,
    )
    return [
        *gallery,
        *evolink.routes(keys),
        *export.routes(keys),
        *DocsRoutes(public_url=public_url).routes(),
        *SubmissionRoutes(catalog=parts.catalog).routes(keys),
        *FacetRoutes(catalog=parts.catalog).routes(keys),
        *EventRoutes(catalog=parts.catalog, deliveries=parts.deliver_nudge).routes(keys),
        *urls.routes(keys),
        *tasks.routes(keys),
        *assets.routes(keys),
        *SimilarRoutes(catalog=parts.catalog, public_url=public_url).routes(keys),
        *inbox.routes(keys),
        *stats.routes(keys),
        *KeyRoutes(catalog=parts.catalog, known=parts.keys).routes(keys),
        *AuditRoutes(catalog=parts.catalog).routes(keys),
    ]

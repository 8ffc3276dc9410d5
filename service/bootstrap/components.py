"""Every part of a running service in one frozen bag: opened top-down, closed in reverse. It starts no work."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial

import structlog

from service.background import Nudge
from service.bootstrap.provider import provider_client, rules_of
from service.bootstrap.secrets import keys_of, serving_keys, serving_secrets
from service.bootstrap.storage import open_store, store_of
from service.bootstrap.submission import Submitting, submitting
from service.bootstrap.thumbnails import thumbnails_of
from service.bootstrap.tracing import tracing
from service.catalog.catalog import Catalog
from service.catalog.wakeups import Wakeups
from service.decoding.pool import Pool
from service.domain.rules import Rules
from service.errors import CatalogUnavailable, SettingsError, StorageUnavailable
from service.intake.accept import Intake
from service.intake.allowance import Allowances
from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import TokenSigner
from service.intake.readiness import Readiness
from service.intake.revocation import RevokedTokens
from service.keys.failures import Failures
from service.keys.known import KnownKeys
from service.keys.sessions import Sessions
from service.observability import Metrics
from service.observability.tracing import Tracing
from service.provider.client import ProviderClient
from service.provider.reading import HealthState
from service.server_lock import server_lock
from service.settings import ApiKeySetting, Role, Settings
from service.storage import ObjectStore
from service.storage.cloud import CloudStore
from service.thumbnails.making import Thumbnails

log = structlog.get_logger(__name__)

LOOK_FOR_DAMAGE = 0.5
"""Seconds; what is looked through by then of a large database are its first pages, which every transaction needs."""

SHORTEST_FLUSH, LONGEST_FLUSH = 1.0, 5.0
"""Seconds for the last spans to reach the collector, however long the drain took."""

LONGEST_STAGED = 3600.0
"""Seconds; a staged file that is older is nobody's, whoever else works in the same folder."""


@dataclass(frozen=True, slots=True)
class Components:
    """Everything that a running service is made of."""

    settings: Settings
    api_keys: tuple[ApiKeySetting, ...]
    keys: KnownKeys
    failures: Failures
    catalog: Catalog
    store: ObjectStore
    decoders: Pool
    thumbnails: Thumbnails
    signer: TokenSigner
    link_signer: AssetLinkSigner
    sessions: Sessions
    metrics: Metrics
    tracing: Tracing
    rules: Rules
    provider: ProviderClient | None
    submitting: Submitting
    allowances: Allowances
    intake: Intake
    readiness: Readiness
    revoked: RevokedTokens
    archive_nudge: Nudge
    reconcile_nudge: Nudge
    sidecar_nudge: Nudge
    purge_nudge: Nudge
    deliver_nudge: Nudge
    wakeups: Wakeups | None

    def warnings(self) -> dict[str, str]:
        """What is wrong without keeping callbacks from being stored, by part."""
        if self.provider is None or self.provider.health.state not in (HealthState.DOWN, HealthState.REFUSED):
            return {}
        refused = self.provider.health.state is HealthState.REFUSED  # why is for /v1/stats: this page is open
        return {"provider": f"the provider {'refuses our key' if refused else 'does not answer'}"}


class Schema(Enum):
    """What is wanted of the database's schema."""

    REQUIRED = "required"  # current, or new
    UPGRADED = "upgraded"  # brought to this version
    AS_IT_IS = "as it is"


@contextmanager
def open_catalog(settings: Settings, *, schema: Schema = Schema.REQUIRED) -> Iterator[Catalog]:
    """The catalog alone; commands may use it beside a server.

    Raises SettingsError where `migrate` has to run first, or `copy` has not come to its end.
    """
    if not settings.on_postgres:
        _make_data_dir(settings)
    catalog = Catalog(settings.database, ca_file=settings.tls.ca_file)
    catalog.open()
    try:
        missing = catalog.missing_revision() if schema is not Schema.AS_IT_IS else None
        if missing is not None and not catalog.shared and (catalog.is_new() or schema is Schema.UPGRADED):
            catalog.upgrade()
        elif missing is not None:
            raise SettingsError(f"the database lacks revision {missing}: run `darkroom migrate`, or start this version")
        if schema is not Schema.AS_IT_IS:
            catalog.require_whole()
        yield catalog
    finally:
        catalog.close()


def _opened_store(settings: Settings, catalog: Catalog) -> ObjectStore:
    """The archive without what a crash left; one that is read-only or hangs is told by readiness, and reads go on.

    Who keeps no files opens nothing: it may look into the archive when it is asked, and starts without it.
    """
    if not settings.keeps_files:
        return store_of(settings)
    store = open_store(settings, expected=_must_have_archive(catalog))
    try:
        if left := store.clean_staging(older_than=LONGEST_STAGED if catalog.shared else 0.0):
            log.info("staging_cleaned", files=left)
    except StorageUnavailable as error:
        log.error("staging_not_cleaned", reason=str(error))
    return store


@contextmanager
def open_components(settings: Settings) -> Iterator[Components]:
    """Open everything that outlives a request, holding the server lock. Raises SettingsError or Unavailable."""
    with ExitStack() as stack:
        if settings.keeps_files:
            _make_data_dir(settings)
        if not settings.on_postgres:
            stack.enter_context(server_lock(settings.database_path))
        signing, api_keys = serving_secrets(settings), serving_keys(settings)
        # on PostgreSQL other versions may be at work: readiness names what is missing until `migrate` has run
        schema = Schema.AS_IT_IS if settings.on_postgres else Schema.UPGRADED
        catalog = stack.enter_context(open_catalog(settings, schema=schema))
        if settings.on_postgres:
            _require_whole(catalog)
        catalog.require_sound(within=LOOK_FOR_DAMAGE)
        store = _opened_store(settings, catalog)
        metrics, decoders, wakeups = Metrics(), Pool(), catalog.wakeups()
        archive, sidecars, reconcile, purge, deliver = (
            wakeups.nudge(name) if wakeups else Nudge()
            for name in ("archive", "sidecar", "reconcile", "purge", "deliver")
        )
        allowances = Allowances(catalog=catalog)
        archives = Role.ARCHIVER in settings.roles  # who archives nothing needs the database only
        rules = rules_of(settings)
        readiness = Readiness(
            catalog=catalog,
            store=store if archives else None,
            bucket=store.prove if archives and isinstance(store, CloudStore) else None,
            folder=settings.data_dir if settings.keeps_files else None,
            min_free_bytes=settings.storage.min_free_bytes,
            metrics=metrics,
            takes_in=Role.RECEIVER in settings.roles,
        )
        signer, link_signer = TokenSigner(signing), AssetLinkSigner(signing)
        provider = provider_client(settings, metrics=metrics)
        nudge = wakeups.nudge("keys") if wakeups is not None else None
        keys = KnownKeys(keys_of(api_keys), catalog=catalog, nudge=nudge)
        traces = stack.enter_context(tracing(settings, within=partial(_left_to_drain, settings, readiness)))
        yield Components(
            settings=settings,
            api_keys=api_keys,
            keys=keys,
            failures=Failures(tell=metrics.auth_failed),
            catalog=catalog,
            store=store,
            decoders=decoders,
            thumbnails=thumbnails_of(settings, catalog, store, decoders),
            signer=signer,
            link_signer=link_signer,
            sessions=Sessions(signing, known=keys),
            metrics=metrics,
            tracing=traces,
            rules=rules,
            provider=provider,
            submitting=submitting(
                settings,
                catalog=catalog,
                provider=provider,
                signer=signer,
                link_signer=link_signer,
                rules=rules,
                metrics=metrics,
                reconcile=reconcile,
            ),
            allowances=allowances,
            intake=Intake(
                catalog=catalog,
                rules=rules,
                archive=archive,
                sidecars=sidecars,
                reconcile=reconcile,
                metrics=metrics,
                allowances=allowances,
                tracing=traces,
            ),
            readiness=readiness,
            revoked=RevokedTokens(catalog=catalog),
            archive_nudge=archive,
            reconcile_nudge=reconcile,
            sidecar_nudge=sidecars,
            purge_nudge=purge,
            deliver_nudge=deliver,
            wakeups=wakeups,
        )


def _left_to_drain(settings: Settings, readiness: Readiness) -> float:
    """Seconds that are left to leave in, for what can be done without."""
    spent = time.monotonic() - (readiness.draining_since or time.monotonic())
    return min(LONGEST_FLUSH, max(SHORTEST_FLUSH, settings.server.drain_timeout.total_seconds() - spent))


def _require_whole(catalog: Catalog) -> None:
    """Refuse an unfinished copy before anything is written to it; where that cannot be seen now, readiness tells."""
    with suppress(CatalogUnavailable):
        catalog.require_whole()


def _must_have_archive(catalog: Catalog) -> bool:
    """Whether there must be an archive already; a server's database that is away just now speaks for it."""
    try:
        return catalog.has_stored()
    except CatalogUnavailable as error:
        if not catalog.shared:
            raise
        log.warning("database_away", reason=str(error))
        return True


def _make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DARKROOM_DATA_DIR: {settings.data_dir} cannot be made: {error.strerror}") from None

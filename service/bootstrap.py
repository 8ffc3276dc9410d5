"""The composition root: settings in, one frozen bag of components out; opened top-down, closed in reverse."""

import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version

import structlog
from pydantic import SecretStr

from service.archive.archiver import Archiver
from service.archive.fetcher import Fetcher
from service.archive.gauges import Gauges
from service.archive.leases import Leases
from service.archive.purge import Purge
from service.archive.sidecar_writer import SidecarWriter
from service.archive.worker import Worker
from service.background import Background, Nudge
from service.catalog.catalog import Catalog
from service.domain.apply_event import Rules
from service.errors import SettingsError
from service.intake.accept import Intake
from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import TokenSigner
from service.intake.readiness import Readiness
from service.intake.revocation import RevokedTokens
from service.observability import Metrics
from service.outbound.address_policy import AddressPolicy
from service.outbound.guarded_client import GuardedClient, Timeouts
from service.outbound.tls import tls_context
from service.secrets_file import GeneratedSecret, read_or_generate
from service.server_lock import server_lock
from service.settings import ApiKeySetting, KeyScope, Role, Settings
from service.storage import ObjectStore
from service.storage.filesystem import FilesystemStore

SIDECARS_AT_ONCE = 4
SHORTEST_DRAIN = 1.0
USER_AGENT = f"Darkroom/{version('darkroom')} (image archiver)"
"""The image host turns away the names of HTTP libraries; a truthful product name is welcome."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Components:
    """Everything that a running service is made of."""

    settings: Settings
    api_keys: tuple[ApiKeySetting, ...]
    catalog: Catalog
    store: ObjectStore
    signer: TokenSigner
    link_signer: AssetLinkSigner
    metrics: Metrics
    intake: Intake
    readiness: Readiness
    revoked: RevokedTokens
    archive_nudge: Nudge
    sidecar_nudge: Nudge
    purge_nudge: Nudge


class Schema(Enum):
    """What is wanted of the database's schema."""

    REQUIRED = "required"  # current, or new
    UPGRADED = "upgraded"  # brought to this version
    AS_IT_IS = "as it is"


@contextmanager
def open_catalog(settings: Settings, *, schema: Schema = Schema.REQUIRED) -> Iterator[Catalog]:
    """The catalog alone; commands may use it beside a server. Raises SettingsError where `migrate` has to run first."""
    _make_data_dir(settings)
    catalog = Catalog(settings.database_path)
    catalog.open()
    try:
        missing = catalog.missing_revision() if schema is not Schema.AS_IT_IS else None
        if missing is not None and (catalog.is_new() or schema is Schema.UPGRADED):
            catalog.upgrade()
        elif missing is not None:
            raise SettingsError(f"the database lacks revision {missing}: run `darkroom migrate`, or start this version")
        yield catalog
    finally:
        catalog.close()


@contextmanager
def open_components(settings: Settings) -> Iterator[Components]:
    """Open everything that outlives a request, holding the server lock. Raises SettingsError or Unavailable."""
    with ExitStack() as stack:
        _make_data_dir(settings)
        stack.enter_context(server_lock(settings.database_path))
        signing = signing_secrets(settings)
        api_keys = settings.api_keys or (_generated_key(settings),)
        store = FilesystemStore(settings.storage_root)
        store.open()
        if left := store.clean_staging():
            log.info("staging_cleaned", files=left)
        catalog = stack.enter_context(open_catalog(settings, schema=Schema.UPGRADED))
        metrics, archive, sidecars = Metrics(), Nudge(), Nudge()
        yield Components(
            settings=settings,
            api_keys=api_keys,
            catalog=catalog,
            store=store,
            signer=TokenSigner(signing),
            link_signer=AssetLinkSigner(signing),
            metrics=metrics,
            intake=Intake(
                catalog=catalog,
                rules=Rules(settings.evolink.link_lifetime, settings.download.allowed_hosts),
                archive=archive,
                sidecars=sidecars,
                metrics=metrics,
            ),
            readiness=Readiness(
                catalog=catalog,
                store=store,
                data_dir=settings.data_dir,
                min_free_bytes=settings.storage.min_free_bytes,
            ),
            revoked=RevokedTokens(catalog=catalog),
            archive_nudge=archive,
            sidecar_nudge=sidecars,
            purge_nudge=Nudge(),
        )


@asynccontextmanager
async def running(parts: Components) -> AsyncIterator[None]:
    """Run the background work; on leaving, finish what is under way within the drain time and hand the rest back."""
    settings = parts.settings
    await parts.catalog.write(lambda tx: tx.work.clear_leases())  # the server lock says that nobody else is alive
    await parts.readiness.probe()
    await parts.revoked.refresh()
    background = Background()
    background.start("readiness", parts.readiness.run)
    background.start("revoked", parts.revoked.run)
    background.start("gauges", Gauges(catalog=parts.catalog, metrics=parts.metrics).run)
    background.start("intake", parts.intake.run)
    async with _guarded_client(settings) as client:
        if Role.ARCHIVER in settings.roles:
            _start_archive(parts, background, client)
        try:
            yield
        finally:
            spent = time.monotonic() - (parts.readiness.draining_since or time.monotonic())
            await background.stop(max(SHORTEST_DRAIN, settings.server.drain_timeout.total_seconds() - spent))


def _start_archive(parts: Components, background: Background, client: GuardedClient) -> None:
    download = parts.settings.download
    fetcher = Fetcher(
        client=client,
        staging=parts.store.staging,
        max_bytes=download.max_bytes,
        max_pixels=download.max_pixels,
        total_timeout=download.total_timeout.total_seconds(),
    )
    archiver = Archiver(
        catalog=parts.catalog,
        store=parts.store,
        fetcher=fetcher,
        metrics=parts.metrics,
        sidecars=parts.sidecar_nudge,
        purge=parts.purge_nudge,
        jitter=random.random,
    )
    assets = Worker(
        name="archive",
        job=archiver,
        concurrency=download.concurrency,
        nudge=parts.archive_nudge,
        may_start=lambda: not parts.readiness.problems,
    )
    sidecars = Worker(
        name="sidecar",
        job=SidecarWriter(catalog=parts.catalog, store=parts.store),
        concurrency=SIDECARS_AT_ONCE,
        nudge=parts.sidecar_nudge,
    )
    purge = Purge(catalog=parts.catalog, store=parts.store, nudge=parts.purge_nudge)
    background.start("purge", purge.run)
    background.start("leases", Leases(catalog=parts.catalog, assets=assets, sidecars=sidecars).run)
    background.start("sidecar", sidecars.run, drain=sidecars.stop)
    background.start("archive", assets.run, drain=assets.stop)


def _guarded_client(settings: Settings) -> GuardedClient:
    download = settings.download
    return GuardedClient(
        allowed_hosts=download.allowed_hosts,
        policy=AddressPolicy(download.trusted_networks),
        tls=tls_context(settings.tls.ca_file),
        timeouts=Timeouts(connect=download.connect_timeout.total_seconds(), read=download.read_timeout.total_seconds()),
        user_agent=USER_AGENT,
        proxy=download.proxy.get_secret_value() if download.proxy else None,
        max_connections=download.concurrency,
    )


def _make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DARKROOM_DATA_DIR: {settings.data_dir} cannot be made: {error.strerror}") from None


def signing_secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets that sign callback URLs and links; made on first use where this process is the whole service."""
    if settings.callbacks.secrets:
        return tuple(secret.get_secret_value() for secret in settings.callbacks.secrets)
    _require_whole(settings, "DARKROOM_CALLBACKS__SECRETS")
    return (_shown(read_or_generate(settings.data_dir / "callback-secret"), "signing secret", show=False).text,)


def token_signer(settings: Settings) -> TokenSigner:
    return TokenSigner(signing_secrets(settings))


def _generated_key(settings: Settings) -> ApiKeySetting:
    _require_whole(settings, "DARKROOM_API_KEYS")
    generated = read_or_generate(settings.data_dir / "api-key", prefix="dk_")
    _shown(generated, "API key", show=True)
    return ApiKeySetting(name="generated", key=SecretStr(generated.text), scopes=frozenset({KeyScope.ADMIN}))


def _require_whole(settings: Settings, variable: str) -> None:
    if not settings.stands_alone:
        raise SettingsError(f"{variable}: is needed where a process runs only some of the roles")


def _shown(generated: GeneratedSecret, what: str, *, show: bool) -> GeneratedSecret:
    """Tell of a new secret: its text on a terminal only, its path anywhere."""
    if generated.new and show and sys.stderr.isatty():
        print(f"New {what}, kept in {generated.path}:\n  {generated.text}", file=sys.stderr)
    elif generated.new:
        log.info("secret_generated", what=what, path=str(generated.path))
    return generated

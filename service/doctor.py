"""`darkroom doctor`: what is wrong or weak about this set-up, in words that say what to do."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from service import bootstrap
from service.bootstrap.weaknesses import Weakness, weaknesses
from service.domain.attempt import Failed
from service.domain.rules import ConfirmMode
from service.errors import DarkroomError
from service.intake.minting import public_url_warnings
from service.notify.endpoint import Endpoint
from service.observability import Metrics
from service.outbound.address_policy import AddressPolicy, Forbidden
from service.outbound.connector import system_lookup
from service.outbound.target import read_link
from service.outbound.tls import tls_context
from service.provider.client import NO_TASK
from service.provider.reading import Found, Listed, Listing, Missing, Throttled, Unreachable, Unsupported
from service.settings import Role, Settings

SHORTEST_SECRET = 32
LONGEST_LOOK = 10.0
"""Seconds for looking through the database."""


class Level(StrEnum):
    OK = "ok"
    WEAK = "weak"
    BROKEN = "broken"

    @property
    def bad(self) -> bool:
        return self is Level.BROKEN

    @property
    def mark(self) -> str:
        return {"ok": "✓", "weak": "!", "broken": "✗"}[self.value]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    level: Level
    message: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, ask the provider twice, make what a first start would make, and leave the rest as it is."""
    findings = [*_settings(settings), *_public_url(settings), *_trust(settings)]
    if settings.keeps_files:
        findings.append(await asyncio.to_thread(_data_dir, settings.data_dir))
    findings.append(await (_storage(settings) if settings.keeps_files else _storage_to_read(settings)))
    filled = _is_missing(settings) and await _is_filled(settings)
    findings += await asyncio.to_thread(lambda: list(_database(settings, filled=filled)))
    tls = await asyncio.to_thread(_tls, settings)
    findings.append(tls)
    if settings.traces.endpoint is not None and not tls.level.bad:
        findings.append(await asyncio.to_thread(_traces, settings))
    if settings.evolink.api_key is not None and not tls.level.bad:
        findings += await _provider(settings)
    findings.append(_prices(settings))
    findings += [await _endpoint(one, settings) for one in bootstrap.endpoints_of(settings)]
    return findings


def _settings(settings: Settings) -> Iterator[Finding]:
    for line in settings.unknown:
        yield Finding("settings", Level.WEAK, line)
    if settings.storage_bucket is None and (settings.storage.options or settings.storage.redirect):
        message = (
            "DARKROOM_STORAGE__OPTIONS and DARKROOM_STORAGE__REDIRECT are for buckets: a folder has no use for them"
        )
        yield Finding("settings", Level.WEAK, message)
    roles = ", ".join(sorted(role.value for role in settings.roles))
    if missing := ", ".join(sorted(role.value for role in frozenset(Role) - settings.roles)):
        message = f"roles: {roles}; nothing is done here that is the work of {missing}: another process has to"
        yield Finding("settings", Level.WEAK, message)
    else:
        yield Finding("settings", Level.OK, f"roles: {roles}")


def _public_url(settings: Settings) -> Iterator[Finding]:
    for warning in public_url_warnings(settings.public_url):
        yield Finding("public url", Level.WEAK, warning)
    yield Finding("public url", Level.OK, f"callback URLs begin with {settings.public_url}/callbacks/")


def _trust(settings: Settings) -> Iterator[Finding]:
    """What callbacks are believed on, and what that costs."""
    yield _confirmation(settings)
    weak = set(weaknesses(settings))
    if Weakness.ANY_HOST in weak:
        yield Finding("downloads", Level.WEAK, "DARKROOM_DOWNLOAD__ALLOWED_HOSTS allows any host")
    if Weakness.TRUSTED_NETWORKS in weak:
        networks = ", ".join(str(network) for network in settings.download.trusted_networks)
        yield Finding("downloads", Level.WEAK, f"links may lead into {networks}")
    try:
        shortest = min(len(secret) for secret in bootstrap.signing_secrets(settings))
    except DarkroomError as error:
        yield Finding("signing secret", Level.BROKEN, str(error))
        return
    if shortest < SHORTEST_SECRET:
        message = f"a signing secret has {shortest} characters; {SHORTEST_SECRET} random ones are advised"
        yield Finding("signing secret", Level.WEAK, message)
    else:
        yield Finding("signing secret", Level.OK, "long enough")


def _confirmation(settings: Settings) -> Finding:
    match settings.confirm_mode:
        case ConfirmMode.OFF:
            message = "off: whoever learns a callback URL can say that a task ended, with links to the allowed hosts"
            if settings.evolink.api_key is None:
                message += "; a callback that is lost is not made up for. DARKROOM_EVOLINK__API_KEY mends both"
            return Finding("confirmation", Level.WEAK, message)
        case _ if settings.evolink.api_key is None:
            message = f"{settings.confirm_mode.value}: a reconciler that has the provider's key has to run elsewhere"
            return Finding("confirmation", Level.WEAK, message)
        case ConfirmMode.PREFERRED:
            patience = f"{settings.confirm.patience.total_seconds():.0f} s"
            message = f"preferred: the provider is asked; callbacks count alone when it was silent for {patience}"
            return Finding("confirmation", Level.OK, message)
        case ConfirmMode.REQUIRED:
            return Finding("confirmation", Level.OK, "required: nothing is fetched on the word of a callback")
        case _:
            assert_never(settings.confirm_mode)


async def _provider(settings: Settings) -> list[Finding]:
    """Ask the provider about a task that cannot be, and for its list: whether the key is taken, and for how much."""
    client = bootstrap.provider_client(settings, metrics=Metrics())
    assert client is not None
    async with client:
        reading = await client.read([NO_TASK])
        listing = await client.list_page(1, size=1) if isinstance(reading[NO_TASK], (Missing, Found)) else None
    match reading[NO_TASK]:
        case Unreachable(detail, refused):
            level = Level.BROKEN if refused or settings.confirm_mode is ConfirmMode.REQUIRED else Level.WEAK
            what = "refuses DARKROOM_EVOLINK__API_KEY" if refused else "cannot be asked"
            return [Finding("provider", level, f"{settings.evolink.api_url} {what}: {detail}")]
        case Throttled(retry_after):
            return [Finding("provider", Level.WEAK, f"wants to be left alone for {retry_after:.0f} s: ask again then")]
        case Found() | Missing():
            return [await _key(settings, listing), *_sweep(settings, listing)]
        case _:
            assert_never(reading[NO_TASK])


async def _key(settings: Settings, listing: Listing | None) -> Finding:
    """A key that never showed us any task may be of another account, so that "no such task" says nothing."""
    if (isinstance(listing, Listed) and listing.events) or await _worked_before(settings):
        return Finding("provider", Level.OK, f"{settings.evolink.api_url} takes the key and shows tasks")
    message = (
        f"{settings.evolink.api_url} answers, but this key has never seen any task: until it does, "
        '"no such task" counts as no answer. Is it the key of the account that submits?'
    )
    return Finding("provider", Level.WEAK, message)


async def _worked_before(settings: Settings) -> bool:
    if _is_missing(settings):
        return False
    try:
        with bootstrap.open_catalog(settings) as catalog:
            return await catalog.read(lambda tx: tx.marks.get(bootstrap.key_mark(settings))) is not None
    except DarkroomError:
        return False  # the database has a finding of its own


def _sweep(settings: Settings, listing: Listing | None) -> Iterator[Finding]:
    if settings.reconcile.sweep and isinstance(listing, Unsupported):
        message = "the provider has no list of tasks: only tasks that we were told of, or called back about, are found"
        yield Finding("sweep", Level.WEAK, message)


def _data_dir(path: Path) -> Finding:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"probe")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("data directory", Level.BROKEN, f"{path} is not writable: {error.strerror}")
    return Finding("data directory", Level.OK, f"{path} takes durable writes")


async def _storage(settings: Settings) -> Finding:
    try:
        store = bootstrap.store_of(settings)
        # never an empty folder in the place of a disk that is away: a running service would take it for the archive
        store.open(expected=await asyncio.to_thread(_has_stored, settings))
        await store.check()
        free = await store.free_bytes()
    except DarkroomError as error:
        return Finding("storage", Level.BROKEN, str(error))
    if free is not None and free < settings.storage.min_free_bytes:
        message = f"{free} bytes free, fewer than DARKROOM_STORAGE__MIN_FREE_BYTES: callbacks are answered 503"
        return Finding("storage", Level.BROKEN, message)
    where = f"{bootstrap.place_of_store(settings)} takes images"
    staged = " beside the database for images on their way" if settings.storage_bucket else ""
    return Finding("storage", Level.OK, f"{where}, {(free or 0) // 2**20} MiB free{staged}")


async def _storage_to_read(settings: Settings) -> Finding:
    """The archive for who writes nothing there."""
    if Role.API not in settings.roles:
        return Finding("storage", Level.OK, "these roles need none")
    where = bootstrap.place_of_store(settings)
    try:
        async for _ in bootstrap.store_of(settings).list():
            break
    except DarkroomError as error:
        return Finding("storage", Level.BROKEN, str(error))
    return Finding("storage", Level.OK, f"{where} can be read")


def _has_stored(settings: Settings) -> bool:
    """Whether there must be an archive already; a database that cannot tell speaks for it."""
    if _is_missing(settings):
        return False
    try:
        with bootstrap.open_catalog(settings, schema=bootstrap.Schema.AS_IT_IS) as catalog:
            return not catalog.is_new() and catalog.has_stored()
    except DarkroomError:
        return True


async def _is_filled(settings: Settings) -> bool:
    try:
        async for _ in bootstrap.store_of(settings).list():
            return True
    except DarkroomError:
        return False  # the store has a finding of its own
    return False


def _database(settings: Settings, *, filled: bool) -> Iterator[Finding]:
    if _is_missing(settings):
        message = f"{settings.database_path} will be made at the first start"
        if filled:
            message = f"{settings.database_path} is gone, but the archive is there: `darkroom rebuild` makes it anew"
        yield Finding("database", Level.BROKEN if filled else Level.OK, message)
        return
    try:
        with bootstrap.open_catalog(settings, schema=bootstrap.Schema.AS_IT_IS) as catalog:
            missing, place, weaknesses = catalog.missing_revision(), catalog.place, catalog.weaknesses()
            if missing is None:
                catalog.require_whole()
            catalog.require_sound(within=LONGEST_LOOK)
    except DarkroomError as error:
        yield Finding("database", Level.BROKEN, str(error))
        return
    for weakness in weaknesses:
        yield Finding("database", Level.WEAK, weakness)
    if missing is not None and settings.on_postgres:
        yield Finding("database", Level.BROKEN, f"lacks revision {missing}: run `darkroom migrate`")
    elif missing is not None:
        message = f"lacks revision {missing}; `darkroom migrate` or the next start adds it"
        yield Finding("database", Level.WEAK, message)
    else:
        yield Finding("database", Level.OK, f"{place} is current")


def _is_missing(settings: Settings) -> bool:
    """Whether the database is a file that is not there."""
    return not settings.on_postgres and not settings.database_path.exists()


def _tls(settings: Settings) -> Finding:
    try:
        tls_context(settings.tls.ca_file)
    except (DarkroomError, OSError, ValueError) as error:
        return Finding("tls", Level.BROKEN, f"DARKROOM_TLS__CA_FILE cannot be used: {error}")
    return Finding("tls", Level.OK, "CA certificates load")


def _traces(settings: Settings) -> Finding:
    """Send the collector a request without spans; weak at most where it fails, because the work goes on without it."""
    try:
        trouble = bootstrap.collector_trouble(settings)
    except DarkroomError as error:
        return Finding("traces", Level.BROKEN, str(error))
    if trouble is not None:
        return Finding("traces", Level.WEAK, f"the collector at {settings.traces.endpoint}: {trouble}")
    return Finding("traces", Level.OK, f"{settings.traces.endpoint} takes spans")


def _prices(settings: Settings) -> Finding:
    try:
        newest = bootstrap.prices_of(settings).lists[-1]
    except DarkroomError as error:
        return Finding("prices", Level.BROKEN, str(error))
    return Finding("prices", Level.OK, f"estimates go by the price list of {newest.since.isoformat()}")


async def _endpoint(endpoint: Endpoint, settings: Settings) -> Finding:
    """Whether an endpoint's name leads to an address that may be called; nothing is sent there."""
    target = read_link(endpoint.url, allowed_hosts=("*",))
    if isinstance(target, Failed):
        return Finding("endpoints", Level.BROKEN, f"{endpoint.name}: {target.detail}")
    try:
        addresses = [target.address] if target.address else await system_lookup(target.host, target.port)
    except OSError:
        return Finding("endpoints", Level.WEAK, f"{endpoint.name}: {target.host} cannot be looked up")
    policy = AddressPolicy(settings.notify.trusted_networks, any_port=True)
    verdicts = [policy.verdict(address, target.port) for address in addresses]
    refused = [verdict.reason for verdict in verdicts if isinstance(verdict, Forbidden)]
    if len(refused) == len(verdicts):
        message = f"{endpoint.name}: {refused[0]}; if it may be called, add it to DARKROOM_NOTIFY__TRUSTED_NETWORKS"
        return Finding("endpoints", Level.BROKEN, message)
    return Finding("endpoints", Level.OK, f"{endpoint.name}: {target.host} may be called")

"""`darkroom doctor`: what is wrong or weak about this set-up, in words that say what to do."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from service import bootstrap
from service.errors import DarkroomError
from service.intake.minting import public_url_warnings
from service.outbound.tls import tls_context
from service.settings import Settings
from service.storage.filesystem import FilesystemStore

SHORTEST_SECRET = 32


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
    """Look at everything; makes what a first start would make, and leaves the rest as it is."""
    findings = [*_settings(settings), *_public_url(settings), *_trust(settings)]
    findings.append(await asyncio.to_thread(_data_dir, settings.data_dir))
    findings.append(await _storage(settings))
    findings.append(await asyncio.to_thread(_database, settings))
    findings.append(await asyncio.to_thread(_tls, settings))
    return findings


def _settings(settings: Settings) -> Iterator[Finding]:
    for line in settings.unknown:
        yield Finding("settings", Level.WEAK, line)
    yield Finding("settings", Level.OK, f"roles: {', '.join(sorted(role.value for role in settings.roles))}")


def _public_url(settings: Settings) -> Iterator[Finding]:
    for warning in public_url_warnings(settings.public_url):
        yield Finding("public url", Level.WEAK, warning)
    yield Finding("public url", Level.OK, f"callback URLs begin with {settings.public_url}/callbacks/")


def _trust(settings: Settings) -> Iterator[Finding]:
    """What callbacks are believed on, and what that costs."""
    yield Finding(
        "confirmation",
        Level.WEAK,
        "off: whoever learns a callback URL can say that a task ended, with links to the allowed hosts",
    )
    if "*" in settings.download.allowed_hosts:
        yield Finding("downloads", Level.WEAK, "DARKROOM_DOWNLOAD__ALLOWED_HOSTS allows any host")
    if settings.download.trusted_networks:
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
    store = FilesystemStore(settings.storage_root)
    try:
        store.open()
        await store.check()
        free = await store.free_bytes()
    except DarkroomError as error:
        return Finding("storage", Level.BROKEN, str(error))
    if free is not None and free < settings.storage.min_free_bytes:
        message = f"{free} bytes free, fewer than DARKROOM_STORAGE__MIN_FREE_BYTES: callbacks are answered 503"
        return Finding("storage", Level.BROKEN, message)
    return Finding("storage", Level.OK, f"{settings.storage_root} takes images, {(free or 0) // 2**20} MiB free")


def _database(settings: Settings) -> Finding:
    if not settings.database_path.exists():
        return Finding("database", Level.OK, f"{settings.database_path} will be made at the first start")
    try:
        with bootstrap.open_catalog(settings, schema=bootstrap.Schema.AS_IT_IS) as catalog:
            missing = catalog.missing_revision()
    except DarkroomError as error:
        return Finding("database", Level.BROKEN, str(error))
    if missing is not None:
        return Finding(
            "database", Level.WEAK, f"lacks revision {missing}; `darkroom migrate` or the next start adds it"
        )
    return Finding("database", Level.OK, f"{settings.database_path} is current")


def _tls(settings: Settings) -> Finding:
    try:
        tls_context(settings.tls.ca_file)
    except (DarkroomError, OSError, ValueError) as error:
        return Finding("tls", Level.BROKEN, f"DARKROOM_TLS__CA_FILE cannot be used: {error}")
    return Finding("tls", Level.OK, "CA certificates load")

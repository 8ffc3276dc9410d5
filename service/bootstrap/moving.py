"""What `copy` works between: where the settings say that everything is, and where it is going to be."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from service.bootstrap.components import Schema, open_catalog
from service.bootstrap.storage import place_of_store, store_of
from service.catalog.catalog import Catalog
from service.errors import SettingsError
from service.server_lock import server_lock
from service.settings import Settings, load_settings
from service.storage import ObjectStore

_OPTIONS = {
    "DARKROOM_DATABASE_URL": "--to-database",
    "DARKROOM_STORAGE__URL": "--to-storage",
    "DARKROOM_STORAGE__OPTIONS": "--to-storage-options",
}


@dataclass(frozen=True, slots=True)
class Moving:
    """Source and target of what is copied; None for the half that stays where it is."""

    catalog: Catalog
    target_catalog: Catalog | None
    stores: tuple[ObjectStore, ObjectStore] | None

    def require_stopped(self) -> None:
        """Raise SettingsError where a server works on either database; may take seconds."""
        for one in (self.catalog, self.target_catalog):
            if one is not None and (serving := one.servers()):
                raise SettingsError(_to_be_stopped(f"{serving} servers work on the database {one.place}"))


def settings_of_target(database: str | None, storage: str | None, options: str | None) -> Settings:
    """The settings with these in the place of their own. Raises SettingsError with the name of the option."""
    overrides: dict[str, Any] = {"database_url": database} if database is not None else {}
    if storage is not None:
        overrides["storage"] = {"url": storage, **({"options": options} if options is not None else {})}
    try:
        return load_settings(**overrides)
    except SettingsError as error:
        raise SettingsError(_named(str(error))) from None


@contextmanager
def open_to_copy(source: Settings, target: Settings, *, rows: bool, objects: bool) -> Iterator[Moving]:
    """Both ends, without servers where rows are copied. Raises SettingsError for what cannot be copied, or to there."""
    _refuse_the_same(source, target, rows=rows, objects=objects)
    if not source.on_postgres and not source.database_path.exists():
        raise SettingsError(f"DARKROOM_DATABASE_URL: there is no database at {source.database_path}")
    if objects and source.storage_bucket is None and not source.storage_root.is_dir():
        raise SettingsError(f"DARKROOM_STORAGE__URL: there is no archive at {source.storage_root}; mount it first")
    with ExitStack() as stack:
        if rows:
            for settings in (source, target):
                _lock(stack, settings)
        catalog = stack.enter_context(open_catalog(source))
        target_catalog = stack.enter_context(_opened_target(target)) if rows else None
        ends = Moving(catalog, target_catalog, _opened_stores(source, target) if objects else None)
        if rows:
            ends.require_stopped()
        yield ends


def ends_of(source: Settings, target: Settings) -> dict[str, str]:
    """From where to where objects go, so that two different ways are told apart."""
    return {"from": _address(source), "to": _address(target)}


def _opened_stores(source: Settings, target: Settings) -> tuple[ObjectStore, ObjectStore]:
    here = store_of(source)
    try:
        there = store_of(target)
    except SettingsError as error:
        raise SettingsError(_named(str(error))) from None
    there.open()
    return here, there


@contextmanager
def _opened_target(settings: Settings) -> Iterator[Catalog]:
    """The target's catalog, of this version's schema; an unfinished copy is not refused here."""
    with open_catalog(settings, schema=Schema.AS_IT_IS) as catalog:
        missing = catalog.missing_revision()
        if missing is not None and not catalog.is_new():
            raise SettingsError(
                f"--to-database: {catalog.place} lacks revision {missing}: name an empty database, or run "
                "`darkroom migrate` on it"
            )
        if missing is not None:
            catalog.upgrade()
        yield catalog


def _lock(stack: ExitStack, settings: Settings) -> None:
    if settings.on_postgres:
        return
    try:
        stack.enter_context(server_lock(settings.database_path))
    except SettingsError as error:
        raise SettingsError(_to_be_stopped(str(error))) from None


def _to_be_stopped(seen: str) -> str:
    return f"a database is copied while no server works on the old one nor on the new one: stop them ({seen})"


def _refuse_the_same(source: Settings, target: Settings, *, rows: bool, objects: bool) -> None:
    if rows and _database(source) == _database(target):
        raise SettingsError("--to-database: it is the database that the settings name already (DARKROOM_DATABASE_URL)")
    if not objects:
        return
    if source.storage_bucket is not None or target.storage_bucket is not None:
        if _address(source) == _address(target):
            raise SettingsError("--to-storage: it is where the archive is already (DARKROOM_STORAGE__URL)")
        return
    here, there = (Path(os.path.realpath(one.storage_root)) for one in (source, target))
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise SettingsError(f"--to-storage: {there} is the archive of the settings, or one lies in the other")


def _database(settings: Settings) -> tuple[str, ...]:
    if not settings.on_postgres:
        return ("sqlite", os.path.realpath(settings.database_path))
    parts = urlsplit(settings.database_url.get_secret_value())
    query = dict(parse_qsl(parts.query))
    host = parts.hostname or query.get("host", "")
    return ("postgresql", host, str(parts.port or query.get("port", 5432)), parts.path.strip("/"))


def _address(settings: Settings) -> str:
    """The place of the objects, and whatever was said of the server that it is on."""
    endpoints = {name: value for name, value in settings.storage.options.items() if "endpoint" in name.lower()}
    told = [f"{name}={value.get_secret_value()}" for name, value in sorted(endpoints.items())]
    return " ".join([place_of_store(settings), *(told if settings.storage_bucket else [])])


def _named(message: str) -> str:
    for variable, option in _OPTIONS.items():
        message = message.replace(f"{variable}:", f"{option}:")
    return message

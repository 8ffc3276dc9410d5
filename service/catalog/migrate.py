"""Schema revisions by Alembic, run from inside the program so that no alembic.ini has to be shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.errors import CatalogUnavailable, SettingsError

T = TypeVar("T")

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def missing_revision(engine: sa.Engine) -> str | None:
    """The head revision when the database is not there yet, else None.

    Raises SettingsError for a database of a newer version, CatalogUnavailable when it cannot be read.
    """
    scripts = ScriptDirectory.from_config(_config())
    current = _read(engine, lambda connection: MigrationContext.configure(connection).get_current_revision())
    if current not in (None, *(script.revision for script in scripts.walk_revisions())):
        raise SettingsError(f"the database is of a newer version (revision {current}): start that version")
    head = scripts.get_current_head()
    return None if current == head else head


def is_new(engine: sa.Engine) -> bool:
    """Whether no version of this program has made its tables yet."""
    return not _read(engine, lambda connection: sa.inspect(connection).has_table("alembic_version"))


def _read(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    try:
        with engine.connect() as connection:
            return work(connection)
    except sa.exc.DBAPIError as error:
        raise CatalogUnavailable(f"the database cannot be read: {error.orig}") from error


def upgrade(engine: sa.Engine) -> None:
    """Apply the missing revisions in one transaction; a process that comes second finds nothing to do."""
    try:
        with engine.begin() as connection:
            command.upgrade(_config(connection), "head")
    except sa.exc.DBAPIError as error:
        raise CatalogUnavailable(f"the database cannot be brought to this version: {error.orig}") from error

"""Schema revisions by Alembic, run from inside the program so that no alembic.ini has to be shipped."""

from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.errors import SettingsError

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def missing_in(connection: sa.Connection) -> str | None:
    """The head revision when the database is not there yet, else None.

    Raises SettingsError for a database of a newer version.
    """
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current not in (None, *(script.revision for script in scripts.walk_revisions())):
        raise SettingsError(f"the database is of a newer version (revision {current}): start that version")
    head = scripts.get_current_head()
    return None if current == head else head


def pending_in(connection: sa.Connection) -> list[ModuleType]:
    """The revisions that a database lacks, in their order; none where it has no tables yet."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return []
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions("head", current)
    return [script.module for script in scripts][::-1]


def is_new(connection: sa.Connection) -> bool:
    """Whether no version of this program has made its tables yet."""
    return not sa.inspect(connection).has_table("alembic_version")


def upgrade(connection: sa.Connection) -> None:
    """Apply the missing revisions; who comes second finds nothing to do."""
    command.upgrade(_config(connection), "head")

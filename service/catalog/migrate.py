"""Schema revisions by Alembic, run from inside the program so that no alembic.ini has to be shipped."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def missing_revision(engine: sa.Engine) -> str | None:
    """The head revision when the database is not there yet, else None."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return None if current == head else head


def upgrade(engine: sa.Engine) -> None:
    """Apply the missing revisions in one transaction."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")

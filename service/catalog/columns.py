"""What all tables are made of: one metadata, and types that mean the same to both databases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql

_UP_TO_ZONE = len("2026-05-01 12:00:00.000000")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


@lru_cache(maxsize=1024)  # the rows of a batch share most of their times
def _as_sqlite_has_it(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds")[:_UP_TO_ZONE]


def _without_nul(value: str | None) -> str | None:
    return value.replace("\x00", "\ufffd") if value is not None and "\x00" in value else value


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which has no zones, keeps it as UTC without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        """For SQLite the text that its own way of two steps comes to: a callback has a dozen times."""
        return _as_sqlite_has_it if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class StorableText(sa.types.TypeDecorator[str]):
    """Text that sorts and compares by bytes on every engine, whatever the server's locale.

    A NUL becomes U+FFFD wherever it comes from, also in what is only compared: PostgreSQL takes none.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[str]:
        return sa.Text(collation="C" if dialect.name == "postgresql" else None)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:  # noqa: ARG002
        return _without_nul  # both take text as it is, so nothing comes behind it

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return _without_nul(value)


class Terms(sa.types.TypeDecorator[list[str]]):
    """What a row is found by: texts without spaces. One text with spaces in SQLite, a `tsvector` in PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(postgresql.TSVECTOR() if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> str | None:
        """In the form in which a `tsvector` is written, too: quotes around each, and none within."""
        if value is None:
            return None
        return " ".join(f"'{term}'" if dialect.name == "postgresql" else term for term in value)


def as_json(value: Any) -> str:
    """What a JSON column holds; in a fifth of the time of the standard library, which knows lone surrogates."""
    try:
        return to_json(value).decode()
    except ValueError:
        return json.dumps(value)


Text = StorableText()
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def partial_index(name: str, *columns: Any, where: str, unique: bool = False) -> sa.Index:
    """An index of the rows for which a condition holds, on either database."""
    return sa.Index(name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

"""What the two databases spell differently. Everything else says the same to both."""

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import operators

T = TypeVar("T")

Insert = sqlite.Insert | postgresql.Insert


def insert_into(dialect: str, table: sa.Table) -> Insert:
    """An INSERT that can be told what to do where the row is there already (ON CONFLICT)."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def in_its_index(dialect: str, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """A condition for which there is a partial index in the wanted order: SQLite has to be told that it is worth it.

    It would look up the column in another index, and sort all that it finds.
    """
    return condition if dialect == "postgresql" else sa.func.likely(condition, type_=sa.types.NullType())


def without_index(dialect: str, column: sa.Column[T]) -> sa.ColumnElement[T]:
    """A column that SQLite does not look up in an index; PostgreSQL knows how many rows there are, and decides."""
    if dialect == "postgresql":
        return column
    return sa.sql.elements.UnaryExpression(column, operator=operators.custom_op("+"), type_=column.type)

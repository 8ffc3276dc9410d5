"""What tasks are found by, kept beside them in one transaction: an inverted index of each database's own.

SQLite has FTS5 over the rows of `search`, which must be told what it held before; PostgreSQL has GIN over a `tsvector`.
Neither takes texts apart: `domain.words` does.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.catalog.dialects import insert_into
from service.catalog.rows import task_from
from service.catalog.tables import assets, search, tasks
from service.domain.link import link_host
from service.domain.task import Task
from service.domain.words import Search, tag_terms, terms_of

NOTHING: tuple[object, ...] = (None, None, {}, None)
"""What is told of a task of which only its id is known."""

_FORGET = sa.text(
    "INSERT INTO search_index (search_index, rowid, terms) SELECT 'delete', seq, terms FROM search WHERE seq = :seq"
)
_INDEX = sa.text("INSERT INTO search_index (rowid, terms) SELECT seq, terms FROM search WHERE seq = :seq")
_FORGET_ALL = sa.text("INSERT INTO search_index (search_index) VALUES ('delete-all')")


def texts_in(
    prompt: str | None, ref: str | None, tags: Mapping[str, str], error: Mapping[str, Any] | None
) -> list[str]:
    """What people wrote into a task, and what the provider wrote about its end."""
    told = (value for value in (error or {}).values() if isinstance(value, str))
    labels = (text for pair in tags.items() for text in pair)
    return [text for text in (prompt, ref, *labels, *told) if text]


def found_by(task: Task) -> list[str]:
    """The terms of a task, sorted."""
    return sorted(terms_of(*texts_in(task.prompt, task.ref, task.tags, task.error)) | tag_terms(task.tags))


class SearchIndex:
    """The index within one transaction."""

    def __init__(self, connection: sa.Connection, *, locks: bool = True) -> None:
        self._connection = connection
        self._locks = locks
        self._fts = connection.dialect.name == "sqlite"

    def follow(self, changes: Iterable[tuple[Task | None, Task]]) -> None:
        """Have what differs between each (before, after) found as it is now."""
        terms = {
            after.id: found_by(after)
            for before, after in changes
            if _told(after) != (_told(before) if before else NOTHING)
        }
        if terms:
            query = sa.select(tasks.c.id, tasks.c.seq).where(tasks.c.id.in_(list(terms)))
            self._put({seq: terms[task_id] for task_id, seq in self._connection.execute(query)})

    def catch_up(self, after: int, limit: int) -> int | None:
        """Have the next tasks found that came before there was an index; returns how far that went, None at the end.

        They are locked, in the order that all lock tasks in: what somebody changes meanwhile is not put back.
        """
        c = tasks.c
        found = sa.select(c.seq, c.id).where(c.seq > after).order_by(c.seq).limit(limit)
        ids = {seq: task_id for seq, task_id in self._connection.execute(found)}  # noqa: C416 - rows, not pairs
        query = sa.select(tasks).where(c.id.in_(ids.values())).order_by(c.id)
        rows = self._connection.execute(query.with_for_update() if self._locks else query).mappings()
        self._put({row["seq"]: found_by(task_from(row)) for row in rows})
        self._name_hosts(ids.values())
        return max(ids) if len(ids) == limit else None

    def _name_hosts(self, task_ids: Collection[str]) -> None:
        """Have the images of these tasks found by host that are not yet."""
        c = assets.c
        query = sa.select(c.seq, c.links, c.refused_links).where(c.task_id.in_(task_ids), c.host.is_(None))
        query = query.order_by(c.task_id, c.index)  # the order in which all change several
        hosts = [
            {"number": seq, "named": link_host((*links, *refused)[0])}
            for seq, links, refused in self._connection.execute(query)
            if links or refused
        ]
        if hosts:
            update = sa.update(assets).where(c.seq == sa.bindparam("number")).values(host=sa.bindparam("named"))
            self._connection.execute(update, hosts)

    def clear(self) -> None:
        """Forget everything: the rows that it tells of have other numbers now."""
        if self._fts:
            self._connection.execute(_FORGET_ALL)
        self._connection.execute(sa.delete(search))

    def _put(self, terms: Mapping[int, list[str]]) -> None:
        numbers = [{"seq": seq} for seq in sorted(terms)]
        if not numbers:
            return
        statement = insert_into(self._connection.dialect.name, search)
        statement = statement.on_conflict_do_update(index_elements=["seq"], set_={"terms": statement.excluded.terms})
        if self._fts:
            self._connection.execute(_FORGET, numbers)
        self._connection.execute(statement, [{"seq": seq, "terms": terms[seq]} for seq in sorted(terms)])
        if self._fts:
            self._connection.execute(_INDEX, numbers)


def matching(dialect: str, wanted: Search) -> sa.Select[int]:
    """The `seq` of all tasks that a search finds by its terms."""
    if dialect == "sqlite":
        quoted = [f'"{term}"' for term in sorted(wanted.terms)] + [f'"{one}"*' for one in sorted(wanted.beginnings)]
        index = sa.table("search_index", sa.column("rowid", sa.Integer), sa.column("search_index", sa.Text))
        return sa.select(index.c.rowid).where(index.c.search_index.op("MATCH")(" ".join(quoted)))
    return sa.select(search.c.seq).where(search.c.terms.op("@@")(_tsquery(wanted)))


def matches(dialect: str, wanted: Search) -> sa.ColumnElement[bool]:
    """That a search finds a task by its terms, where something else leads to the task."""
    query = sa.select(search.c.seq).where(search.c.seq == tasks.c.seq)
    if dialect != "sqlite":
        return query.where(search.c.terms.op("@@")(_tsquery(wanted))).exists()
    held = sa.literal(" ").concat(sa.type_coerce(search.c.terms, sa.Text)).concat(" ")
    parts = [f" {term} " for term in sorted(wanted.terms)] + [f" {one}" for one in sorted(wanted.beginnings)]
    return query.where(*(sa.func.instr(held, part) > 0 for part in parts)).exists()


def _tsquery(wanted: Search) -> sa.ColumnElement[Any]:
    quoted = [f"'{term}'" for term in sorted(wanted.terms)] + [f"'{one}':*" for one in sorted(wanted.beginnings)]
    return sa.cast(" & ".join(quoted), postgresql.TSQUERY)


def _told(task: Task) -> tuple[object, ...]:
    return task.prompt, task.ref, dict(task.tags), task.error

"""Keys that were made here: only their hashes, with what is known of their lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog.dialects import insert_into
from service.catalog.queries import Page
from service.catalog.tables import api_keys
from service.domain.api_key import ApiKey, Scope


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key with its life; `created_by` is for people, `replaces` the id of the key that had the name before."""

    key: ApiKey
    created_at: datetime
    created_by: str
    note: str | None = None
    replaces: str | None = None
    last_used_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        return min((end for end in (self.key.expires_at, self.key.revoked_at) if end is not None), default=None)


class Keys:
    """Keys within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime, *, locks: bool = True) -> None:
        self._connection = connection
        self._now = now
        self._locks = locks

    def add(self, kept: KeptKey) -> bool:
        """Keep a new key, which holds its name from now on; False where a living one holds it."""
        key = kept.key
        ended = sa.and_(api_keys.c.held_name == key.name, api_keys.c.ends_at <= self._now)
        self._connection.execute(sa.update(api_keys).where(ended).values(held_name=None))
        statement = (
            insert_into(self._connection.dialect.name, api_keys)
            .values(
                id=key.id,
                name=key.name,
                held_name=key.name,
                sha256=key.sha256,
                scopes=sorted(scope.value for scope in key.scopes),
                note=kept.note,
                created_at=kept.created_at,
                created_by=kept.created_by,
                replaces=kept.replaces,
                expires_at=key.expires_at,
                ends_at=kept.ends_at,
            )
            .on_conflict_do_nothing(index_elements=["held_name"])
            .returning(api_keys.c.id)
        )
        return self._connection.execute(statement).first() is not None

    def save_end(self, kept: KeptKey) -> None:
        """Write when a key ends, and that its name is free for the next one."""
        values = {"expires_at": kept.key.expires_at, "revoked_at": kept.key.revoked_at, "ends_at": kept.ends_at}
        self._connection.execute(
            sa.update(api_keys).where(api_keys.c.id == kept.key.id).values(**values, held_name=None)
        )

    def get(self, key_id: str) -> KeptKey | None:
        found = self._some(sa.select(api_keys).where(api_keys.c.id == key_id))
        return found[0] if found else None

    def living(self) -> list[KeptKey]:
        """All that open something now; none of them ends while this transaction decides by them."""
        found: list[KeptKey] = []
        for alive in (api_keys.c.ends_at.is_(None), api_keys.c.ends_at > self._now):
            query = sa.select(api_keys).where(alive).order_by(api_keys.c.ends_at, api_keys.c.seq)
            found += self._some(query.with_for_update() if self._locks else query)
        return found

    def known(self, *, since: datetime, limit: int) -> list[KeptKey]:
        """Those that never end, and so many of those that end after a moment, the last ones to end first."""
        endless = sa.select(api_keys).where(api_keys.c.ends_at.is_(None)).limit(limit)
        ending = sa.select(api_keys).where(api_keys.c.ends_at > since).order_by(api_keys.c.ends_at.desc()).limit(limit)
        return [*self._some(endless), *self._some(ending)]

    def used(self, times: Mapping[str, datetime]) -> None:
        """Note when keys were used last, by id."""
        for key_id, at in sorted(times.items()):
            earlier = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
            self._connection.execute(
                sa.update(api_keys).where(api_keys.c.id == key_id, earlier).values(last_used_at=at)
            )

    def page(self, *, after: int | None, limit: int) -> Page[KeptKey]:
        """Newest first."""
        query = sa.select(api_keys).order_by(api_keys.c.seq.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(api_keys.c.seq < after)
        found = list(self._connection.execute(query).mappings())
        following = found[limit - 1]["seq"] if len(found) > limit else None
        return Page([_kept(row) for row in found[:limit]], following)

    def forget(self, before: datetime, *, limit: int) -> int:
        """Remove some of those that ended before; returns how many."""
        some = sa.select(api_keys.c.seq).where(api_keys.c.ends_at < before).order_by(api_keys.c.ends_at).limit(limit)
        return self._connection.execute(sa.delete(api_keys).where(api_keys.c.seq.in_(some))).rowcount

    def _some(self, query: sa.Select[tuple[object, ...]]) -> list[KeptKey]:
        return [_kept(row) for row in self._connection.execute(query).mappings()]


def _kept(row: sa.RowMapping) -> KeptKey:
    scopes = frozenset(Scope(scope) for scope in row["scopes"])
    key = ApiKey(row["id"], row["name"], row["sha256"], scopes, row["expires_at"], row["revoked_at"])
    return KeptKey(
        key=key,
        created_at=row["created_at"],
        created_by=row["created_by"],
        note=row["note"],
        replaces=row["replaces"],
        last_used_at=row["last_used_at"],
    )

"""What was signed and given away: callback tokens and signed links, listed and revocable."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from service.catalog.dialects import insert_into
from service.catalog.tables import callback_tokens, callbacks, signed_links


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A callback token as it was minted; the signed text itself is never kept."""

    id: str
    source: str
    created_at: datetime
    task_id: str | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link to one asset's bytes that was given away."""

    id: str
    task_id: str
    index: int
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Tokens:
    """Callback tokens and signed links within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, token: MintedToken) -> None:
        self._connection.execute(
            sa.insert(callback_tokens).values(
                id=token.id,
                source=token.source,
                task_id=token.task_id,
                ref=token.ref,
                tags=dict(token.tags),
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )

    def revoke(self, token_id: str, now: datetime) -> bool:
        """Revoke a callback token; False when there is none of that id. Revoking again changes nothing.

        One of which only callbacks are left, as after a rebuild, is revoked too: its signature is still good.
        """
        known = self.known([token_id]).get(token_id) or self._from_callbacks(token_id)
        if known is None:
            return False
        if known.revoked_at is None:
            self._connection.execute(
                sa.update(callback_tokens).where(callback_tokens.c.id == token_id).values(revoked_at=now)
            )
        return True

    def _from_callbacks(self, token_id: str) -> MintedToken | None:
        """Remember a token again by the latest callback that came through it."""
        c = callbacks.c
        query = sa.select(c.source, c.ref, c.tags, c.received_at).where(c.token_id == token_id)
        row = self._connection.execute(query.order_by(c.id.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        token = MintedToken(token_id, row.source, row.received_at, ref=row.ref, tags=row.tags)
        self.add(token)
        return token

    def known(self, token_ids: Collection[str]) -> dict[str, MintedToken]:
        """Those of these tokens that were minted here, revoked or not."""
        query = sa.select(callback_tokens).where(callback_tokens.c.id.in_(list(token_ids)))
        return {row["id"]: minted_token(row) for row in self._connection.execute(query).mappings()}

    def revoked(self) -> frozenset[str]:
        query = sa.select(callback_tokens.c.id).where(callback_tokens.c.revoked_at.is_not(None))
        return frozenset(self._connection.execute(query).scalars())

    def add_link(self, link: SignedLink) -> None:
        self._connection.execute(
            sa.insert(signed_links).values(
                id=link.id,
                task_id=link.task_id,
                index=link.index,
                created_at=link.created_at,
                expires_at=link.expires_at,
            )
        )

    def link(self, link_id: str) -> SignedLink | None:
        query = sa.select(signed_links).where(signed_links.c.id == link_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return signed_link(row) if row is not None else None

    def links(self, ids: Collection[str]) -> dict[str, SignedLink]:
        """Those of these links that were given away, revoked or not."""
        query = sa.select(signed_links).where(signed_links.c.id.in_(list(ids)))
        return {row["id"]: signed_link(row) for row in self._connection.execute(query).mappings()}

    def add_links(self, links: Sequence[SignedLink]) -> None:
        """Remember links that never end, where they are not remembered already."""
        rows = [
            {"id": one.id, "task_id": one.task_id, "index": one.index, "created_at": one.created_at} for one in links
        ]
        if rows:
            statement = insert_into(self._connection.dialect.name, signed_links)
            self._connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]), rows)

    def revoke_link(self, link_id: str, now: datetime) -> None:
        self._connection.execute(
            sa.update(signed_links)
            .where(signed_links.c.id == link_id, signed_links.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )


def minted_token(row: sa.RowMapping) -> MintedToken:
    return MintedToken(
        id=row["id"],
        source=row["source"],
        created_at=row["created_at"],
        task_id=row["task_id"],
        ref=row["ref"],
        tags=row["tags"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def signed_link(row: sa.RowMapping) -> SignedLink:
    return SignedLink(
        id=row["id"],
        task_id=row["task_id"],
        index=row["index"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )

"""Rows from one database into another, page by page, until the target holds what the source does and nothing else.

A page that is the same in both is passed over, so that an interrupted run goes on where it was, and what changed in
the source meanwhile is brought over as well. A mark stands in the target until all was read again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.engine import Priority
from service.catalog.marks import COPYING
from service.catalog.transfer import TABLES, Key, Row
from service.errors import Conflict
from service.upkeep.copied import Copied, Tell


class _Standing(Enum):
    """What a target is before anything is copied."""

    BEGUN = "begun"  # ours: empty, or an unfinished copy of the same source
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class _Page:
    """What the source holds up to a key, and the fingerprints of what the target holds between the same keys."""

    after: Key | None
    until: Key
    rows: Sequence[Row]
    there: Mapping[Key, str]

    @property
    def differs(self) -> Key | None:
        """The key of the first row that is not the same in both."""
        told = {row.key: row.sha256 for row in self.rows}
        return next((key for key in [*told, *self.there] if told.get(key) != self.there.get(key)), None)


@dataclass(frozen=True, slots=True)
class _Difference:
    """The first place at which the two do not hold the same."""

    table: str
    key: Key

    def __str__(self) -> str:
        return f"table {self.table}, key {self.key!r}"


class RowCopy:
    """Copies rows. No server may work on either database: `require_stopped` raises where one does, and is asked once
    the mark keeps new ones out, and again at the end. Every method raises CatalogUnavailable.
    """

    def __init__(self, *, source: Catalog, target: Catalog, require_stopped: Callable[[], None], tell: Tell) -> None:
        self._source = source
        self._target = target
        self._require_stopped = require_stopped
        self._tell = tell
        self._mark = f"{COPYING}{source.place}"

    async def begin(self) -> bool:
        """Mark the target; False when it is a whole copy already. Raises Conflict for one that holds other rows."""
        if await self._target.write(partial(_begin, mark=self._mark)) is _Standing.BEGUN:
            await asyncio.to_thread(self._require_stopped)
            return True
        difference = await self._difference(lambda _: None)
        if difference is None:
            return False
        raise Conflict(
            "database_not_empty",
            f"the database {self._target.place} holds tasks of its own ({difference} is not as in "
            f"{self._source.place}): name an empty one with --to-database",
        )

    async def expected(self) -> int:
        """How many rows there are to copy."""
        return sum((await self._source.read(_counted)).values())

    async def copy(self) -> None:
        """Have the target hold the rows of the source, table by table."""
        for name in TABLES:
            after: Key | None = None
            async for page in self._pages(name):
                if page.differs is not None:
                    await self._target.write(partial(_replace, name=name, page=page))
                    self._tell(Copied(rows=len(page.rows)))
                self._tell(Copied(rows_seen=len(page.rows)))
                after = page.until
            await self._target.write(partial(_cut_off, name=name, after=after))

    async def conclude(self) -> None:
        """Read both again, and take the mark away when they hold the same. Raises Conflict when they do not."""
        if (difference := await self._difference(self._tell)) is not None:
            raise _not_the_same(str(difference))
        counts = await self._source.read(_counted)
        await asyncio.to_thread(self._require_stopped)
        await self._target.write(partial(_conclude, counts=counts, mark=self._mark), priority=Priority.WHOLE)

    async def _difference(self, tell: Tell) -> _Difference | None:
        for name in TABLES:
            after: Key | None = None
            async for page in self._pages(name):
                if (key := page.differs) is not None:
                    return _Difference(name, key)
                tell(Copied(rows_verified=len(page.rows)))
                after = page.until
            beyond = await self._target.read(partial(_first, name=name, after=after))
            if beyond is not None:
                return _Difference(name, beyond)
        return None

    async def _pages(self, name: str) -> AsyncIterator[_Page]:
        after: Key | None = None
        while ends := await self._source.read(partial(_ends, name=name, after=after)):
            for until in ends:
                rows, there = await asyncio.gather(
                    self._source.read(partial(_rows, name=name, after=after, until=until)),
                    self._target.read(partial(_fingerprints, name=name, after=after, until=until)),
                )
                yield _Page(after, until, rows, there)
                after = until


def _begin(tx: Transaction, *, mark: str) -> _Standing:
    other = tx.marks.copying_from()
    if other is not None and f"{COPYING}{other}" != mark:
        raise Conflict(
            "copy_of_another",
            f"the target is an unfinished copy of {other}: finish that, or name an empty database with --to-database",
        )
    if other is None and tx.transfer.holds_rows():
        return _Standing.FILLED
    tx.marks.set(mark, tx.now)
    return _Standing.BEGUN


def _conclude(tx: Transaction, *, counts: Mapping[str, int], mark: str) -> None:
    for name, number in _counted(tx).items():
        if number != counts[name]:
            raise _not_the_same(f"table {name}, which has {number} rows instead of {counts[name]}")
    tx.transfer.conclude()
    tx.marks.remove(mark)


def _not_the_same(where: str) -> Conflict:
    return Conflict(
        "copy_differs",
        f"the copy differs from its source in {where}: something changed it meanwhile, or the target does not keep "
        "what it is given; see that no server and no other command works on either",
    )


def _counted(tx: Transaction) -> dict[str, int]:
    return {name: tx.transfer.count(name) for name in TABLES}


def _ends(tx: Transaction, *, name: str, after: Key | None) -> list[Key]:
    return tx.transfer.ends(name, after)


def _rows(tx: Transaction, *, name: str, after: Key | None, until: Key) -> list[Row]:
    return tx.transfer.rows(name, after, until)


def _fingerprints(tx: Transaction, *, name: str, after: Key | None, until: Key) -> dict[Key, str]:
    return tx.transfer.fingerprints(name, after, until)


def _first(tx: Transaction, *, name: str, after: Key | None) -> Key | None:
    return tx.transfer.first(name, after)


def _replace(tx: Transaction, *, name: str, page: _Page) -> None:
    tx.transfer.replace(name, page.after, page.until, page.rows)


def _cut_off(tx: Transaction, *, name: str, after: Key | None) -> None:
    tx.transfer.cut_off(name, after)

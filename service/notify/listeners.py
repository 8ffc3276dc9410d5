"""Who listens, as the catalog knows it: who delivers knows addresses and secrets, and who archives only these names.

So the process that handles strangers' bytes holds no secret of anybody. Processes may know different endpoints while
settings are being changed: each renews what it knows, and takes nothing away from the others.
"""

from collections.abc import Iterable
from datetime import datetime

from service.catalog.catalog import Transaction
from service.domain.announcement import EventKind, Listener
from service.notify.endpoint import Endpoint

_MARK = "notify:"
"""Begins the mark of an endpoint and a kind of events: since when it wants to hear of them."""

_HEARD = "heard:"
"""Begins the mark beside it: when a process last said so."""


def enrol(tx: Transaction, endpoints: Iterable[Endpoint]) -> None:
    """Have these endpoints listen, from now on where they are new, as a process says that knows them."""
    known = tx.marks.beginning_with(_MARK)
    for wanted in sorted(f"{one.name}:{kind.value}" for one in endpoints for kind in one.kinds):
        if _MARK + wanted not in known:
            tx.marks.set(_MARK + wanted, tx.now)
        tx.marks.set(_HEARD + wanted, tx.now)


def heard(tx: Transaction) -> dict[str, datetime | None]:
    """When somebody last knew each `name:kind` that listens; None for one that nobody has ever renewed."""
    renewed = tx.marks.beginning_with(_HEARD)
    listening = [mark.removeprefix(_MARK) for mark in tx.marks.beginning_with(_MARK)]
    return {one: renewed.get(_HEARD + one) for one in listening}


def dismiss(tx: Transaction, listening: str, *, last: datetime | None) -> bool:
    """Have a `name:kind` listen no longer that was last renewed then; False where it was renewed since."""
    if tx.marks.get(_HEARD + listening) != last:
        return False
    tx.marks.remove(_MARK + listening)
    tx.marks.remove(_HEARD + listening)
    return True


def listeners(tx: Transaction) -> tuple[Listener, ...]:
    """Endpoints by name, with a kind of events each."""
    found = []
    for mark, since in tx.marks.beginning_with(_MARK).items():
        name, _, kind = mark.removeprefix(_MARK).partition(":")
        if kind in tuple(EventKind):  # another version may know more
            found.append(Listener(name, frozenset({EventKind(kind)}), since))
    return tuple(found)

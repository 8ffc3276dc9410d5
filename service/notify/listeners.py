"""Who listens, as the catalog knows it: who delivers knows addresses and secrets, and who archives only these names.

So the process that handles strangers' bytes holds no secret of anybody.
"""

from collections.abc import Iterable

from service.catalog.catalog import Transaction
from service.domain.announcement import EventKind, Listener
from service.notify.endpoint import Endpoint

_MARK = "notify:"
"""Begins the mark of an endpoint and a kind of events: since when it wants to hear of them."""


def enrol(tx: Transaction, endpoints: Iterable[Endpoint]) -> None:
    """Have these endpoints listen, from now on where they are new, and no others."""
    wanted = {f"{_MARK}{one.name}:{kind.value}" for one in endpoints for kind in one.kinds}
    known = tx.marks.beginning_with(_MARK)
    for name in sorted(known.keys() - wanted):
        tx.marks.remove(name)
    for name in sorted(wanted - known.keys()):
        tx.marks.set(name, tx.now)


def listeners(tx: Transaction) -> tuple[Listener, ...]:
    """Endpoints by name, with a kind of events each."""
    found = []
    for mark, since in tx.marks.beginning_with(_MARK).items():
        name, _, kind = mark.removeprefix(_MARK).partition(":")
        if kind in tuple(EventKind):  # another version may know more
            found.append(Listener(name, frozenset({EventKind(kind)}), since))
    return tuple(found)

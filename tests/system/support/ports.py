"""Ports for listeners that must get the same one again after a restart.

They lie below the range that Linux uses for outgoing connections, so that no connection takes one in between. Each
process of a test run has a share of its own and gives a port again only after all others, so that none takes the port
of a server that another has stopped for a while.
"""

import os
import random
import socket
from collections.abc import Sequence
from itertools import cycle, islice

LOWEST, HIGHEST = 10_000, 32_000
SHARES = 8

_share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
_ports = list(range(LOWEST + _share, HIGHEST, SHARES))
random.Random(os.getpid()).shuffle(_ports)
_turns = cycle(_ports)


def free_port(addresses: Sequence[str] = ("127.0.0.1",)) -> int:
    """A port that was free at all of these addresses a moment ago."""
    for port in islice(_turns, len(_ports)):
        if all(_is_free(address, port) for address in addresses):
            return port
    raise RuntimeError("no free port found")


def can_listen(address: str) -> bool:
    """Whether this machine has the address."""
    return _is_free(address, 0)


def listening_socket(address: str, port: int) -> socket.socket:
    """A listening socket that does not block."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, backlog=512)
    listener.setblocking(False)
    return listener


def _is_free(address: str, port: int) -> bool:
    try:
        listening_socket(address, port).close()
    except OSError:
        return False
    return True

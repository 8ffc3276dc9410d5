"""Ports for listeners that must get the same one again after a restart.

They lie below the range that Linux uses for outgoing connections, so that no connection takes one in between.
"""

import os
import random
import socket
from collections.abc import Sequence

LOWEST, HIGHEST = 20_000, 32_000

_choose = random.Random(os.getpid())


def free_port(addresses: Sequence[str] = ("127.0.0.1",)) -> int:
    """A port that was free at all of these addresses a moment ago."""
    for _ in range(200):
        port = _choose.randrange(LOWEST, HIGHEST)
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

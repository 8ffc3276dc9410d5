"""The listening socket: bound with a clear error, and closed without cutting off anyone whom the kernel let in."""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Iterator

from service.errors import SettingsError

BACKLOG = 2048

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte with the TCP flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # then drop
    (0x06, 0, 0, 0xFFFFFFFF),  # else keep
)
"""A classic BPF program (socket-filter.rst of the Linux kernel); the socket sees packets from their TCP header on."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises SettingsError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::")
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error.strerror}): change DARKROOM_SERVER__HOST or DARKROOM_SERVER__PORT"
        ) from None


def refuse_new(listener: socket.socket) -> None:
    """Let no new connection begin, while those that have begun can still be accepted.

    Closing a listener resets what waits in its queue, though the callers believe that they are connected and may have
    sent a callback. Where the kernel lets us, the first packet of new ones is dropped instead: they ask again after a
    second and find the port closed. Elsewhere the queue is made as short as can be.
    """
    listener.listen(0)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # some sandboxes keep filters from users without privileges
            _drop_syn(listener)


async def stop_accepting(server: asyncio.Server) -> None:
    """Close a server's listener, once those that it has just accepted have got their transports.

    asyncio makes the transport a turn of the loop after it accepts, and fails at it where the server is closed in
    between: that connection would stay open, and nobody would ever read or close it.
    """
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener)
    await asyncio.sleep(0)
    server.close()


def accept_rest(listener: socket.socket) -> Iterator[socket.socket]:
    """What waits in the queue, one by one; the listener is closed the moment that nothing does."""
    listener.setblocking(False)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            listener.close()
            return
        yield connection


def _drop_syn(listener: socket.socket) -> None:
    code = b"".join(struct.pack("=HBBI", *step) for step in _DROP_SYN)
    program = ctypes.create_string_buffer(code)
    described = struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)

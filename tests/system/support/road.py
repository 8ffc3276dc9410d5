"""A way to servers on this machine that can go wrong in each of the ways that a network does.

With several servers it is a balancer: connections go to one after the other, past those that do not take them.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.listening import stop_listening
from tests.system.support.ports import free_port, listening_socket

SLOW_RATE = 64 * 1024
"""Bytes a second of each direction of a connection."""

SHORT = 3000
"""Bytes after which a connection is cut short: in the middle of most images."""

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 10.0
CLOSE_WITHIN = 15.0
BLOCK = 65536
UNAVAILABLE = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h
_DROP = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
_DROP_ALL = struct.pack("@HP", 1, ctypes.addressof(_DROP))
"""A classic BPF program that drops every packet before it is acknowledged."""


class State(StrEnum):
    """How the road is."""

    OPEN = "open"
    REFUSED = "refused"  # nobody listens
    RESET = "reset"  # connections are taken and reset at once
    SILENT = "silent"  # no packet gets through or is acknowledged; what is sent again afterwards arrives
    HELD = "held"  # everything is taken and acknowledged, and arrives afterwards
    SLOW = "slow"
    SHORT = "short"  # each connection is reset after some bytes
    ERRORS = "errors"  # each HTTP request is answered 503


STOPPED = (State.SILENT, State.HELD)
ENDING = (State.REFUSED, State.RESET, State.ERRORS)
"""States at whose beginning open connections are reset."""


@dataclass(eq=False, slots=True)
class _Traveller:
    """A connection on its way: `budget` bytes may pass yet where it is cut short, none while it is not `free`."""

    here: asyncio.StreamWriter
    there: asyncio.StreamWriter | None = None
    budget: int = SHORT
    free: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        self.free.set()
        for writer in (self.here, self.there):
            if writer is not None:
                with contextlib.suppress(OSError):
                    _socket(writer).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


class Road:
    """Listens on a port of its own from `open` to `close`, and passes everything on, as its state allows."""

    def __init__(self, *targets: int) -> None:
        self.port = free_port()
        self.state = State.REFUSED
        self._targets = list(targets)
        self._server: asyncio.Server | None = None
        self._travellers: set[_Traveller] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()

    async def open(self) -> None:
        await self.become(State.OPEN)

    async def close(self) -> None:
        await self.become(State.REFUSED)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_WITHIN)

    async def become(self, state: State) -> None:
        """From now on it is so."""
        if self.state is State.SILENT:
            self._filter(_SO_DETACH_FILTER, 0)
        self.state = state
        if state in ENDING:
            self.reset()
        if state is State.REFUSED and self._server is not None:
            closing, self._server = self._server, None
            await stop_listening(closing)
        elif state is not State.REFUSED and self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=listening_socket("127.0.0.1", self.port))
        if state is State.SILENT:
            self._filter(_SO_ATTACH_FILTER, _DROP_ALL)
        if state in STOPPED:
            self._flowing.clear()
        else:
            self._flowing.set()

    def reset(self) -> None:
        """Reset every connection; new ones are taken."""
        for traveller in self._travellers:
            traveller.reset()

    def forget(self) -> None:
        """Hold what comes on the connections that there are, for ever; new ones are not concerned."""
        for traveller in self._travellers:
            traveller.free.clear()

    def _filter(self, option: int, value: bytes | int) -> None:
        listeners = self._server.sockets if self._server is not None else ()
        for one in (*listeners, *(_socket(traveller.here) for traveller in self._travellers)):
            with contextlib.suppress(OSError):  # it was closed meanwhile, or had no filter yet
                one.setsockopt(socket.SOL_SOCKET, option, value)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        traveller, task = _Traveller(writer), asyncio.current_task()
        assert task is not None
        traveller.free.set()
        self._travellers.add(traveller)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            if self.state in (State.RESET, State.REFUSED):  # the latter where it was taken just before the end
                traveller.reset()
            elif self.state is State.ERRORS:
                await _answer_unavailable(reader, writer)
            else:
                await self._travel(traveller, reader)
        except (OSError, EOFError, ValueError):
            traveller.reset()
        finally:
            self._travellers.discard(traveller)
            writer.close()

    async def _travel(self, traveller: _Traveller, reader: asyncio.StreamReader) -> None:
        await self._flowing.wait()
        found = await self._connected()
        if found is None:
            traveller.reset()
            return
        there_reader, traveller.there = found
        ways = (self._pass(traveller, reader, traveller.there), self._pass(traveller, there_reader, traveller.here))
        await asyncio.gather(*ways)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next server that takes one."""
        self._targets.append(self._targets.pop(0))
        for target in tuple(self._targets):
            with contextlib.suppress(OSError):  # a TimeoutError is one
                async with asyncio.timeout(CONNECT_WITHIN):
                    return await asyncio.open_connection("127.0.0.1", target)
        return None

    async def _pass(self, traveller: _Traveller, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while block := await reader.read(BLOCK):
                await self._way_clear(traveller)
                if self.state is State.SLOW:
                    await asyncio.sleep(len(block) / SLOW_RATE)
                if self.state is State.SHORT:
                    traveller.budget -= len(block)
                    if traveller.budget < 0:
                        writer.write(block[: traveller.budget])
                        await asyncio.sleep(0)
                        traveller.reset()
                        return
                writer.write(block)
                await writer.drain()
        except OSError:
            traveller.reset()
            return
        await self._way_clear(traveller)
        writer.close()

    async def _way_clear(self, traveller: _Traveller) -> None:
        await traveller.free.wait()
        await self._flowing.wait()


async def _answer_unavailable(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one HTTP request to its end, and answer 503."""
    async with asyncio.timeout(ANSWER_WITHIN):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        writer.write(UNAVAILABLE)
        await writer.drain()


def _socket(writer: asyncio.StreamWriter) -> socket.socket:
    found: socket.socket = writer.get_extra_info("socket")
    return found

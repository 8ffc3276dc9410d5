"""An image host over TLS, written for these tests alone: it counts the connections its sockets accept."""

import asyncio
import contextlib
import secrets
import socket
import ssl
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence

from tests.system.support.answers import Answer, nothing_here
from tests.system.support.ports import free_port, listening_socket

FORGIVEN = (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""How a connection may end when the other side is killed, or does not like our certificate."""


class ImageHost:
    """Serves what `put` was given; open from `open` to `close`, on one port at all of its addresses."""

    def __init__(self, *, tls: ssl.SSLContext, addresses: Sequence[str] = ("127.0.0.1",)) -> None:
        self._tls = tls
        self._addresses = addresses
        self._answers: dict[str, tuple[Answer, ...]] = {}
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0
        self.bytes_served = 0
        self.requests: Counter[str] = Counter()
        self.headers: list[Mapping[str, str]] = []

    @property
    def names(self) -> frozenset[str]:
        """The unguessable last segments of all links, without their extension."""
        return frozenset(path.rpartition("/")[2].partition(".")[0] for path in self._answers)

    def put(self, *answers: Answer, extension: str = "png", host: str = "localhost") -> str:
        """A new link. The first request gets the first answer and so on; the last answer repeats."""
        path = f"/acct/images/2026/05/01/{secrets.token_hex(16)}.{extension}"
        self._answers[path] = answers
        return f"https://{host}:{self.port}{path}"

    def asked_for(self, link: str) -> int:
        """How many requests a link got."""
        return self.requests[_path(link)]

    async def open(self) -> None:
        self.port = free_port(self._addresses)
        self._listeners = [listening_socket(address, self.port) for address in self._addresses]
        for listener in self._listeners:
            self._start(self._accept(listener))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            self.connections += 1
            self._start(self._converse(connection))

    async def _converse(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls)
        except FORGIVEN:
            connection.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            with contextlib.suppress(*FORGIVEN):
                while await self._answer(reader, writer):
                    pass
        finally:
            transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection may go on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        self.headers.append({name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])})
        answer = self._next_answer(path)
        writer.write(answer.head)
        for number, part in enumerate(answer.parts):
            if number > 0:
                await self._hold(answer)
            writer.write(part)
            await writer.drain()
            self.bytes_served += len(part)
        if answer.is_cut:
            writer.close()
            await writer.wait_closed()
        return not answer.is_cut

    def _next_answer(self, path: str) -> Answer:
        prepared = self._answers.get(path, (nothing_here(),))
        self.requests[path] += 1
        return prepared[min(self.requests[path], len(prepared)) - 1]

    @staticmethod
    async def _hold(answer: Answer) -> None:
        await asyncio.sleep(answer.pause)
        if answer.gate is not None:
            answer.gate.reached.set()
            await answer.gate.opened.wait()


def _path(link: str) -> str:
    return "/" + link.split("/", 3)[3]

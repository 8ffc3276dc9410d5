"""One HTTP/1.1 connection by hand, which can tell a request that was never sent from one that was left unanswered."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

CONNECT_WITHIN = 10.0
ANSWER_WITHIN = 25.0
HOST = "127.0.0.1"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answered:
    """The request got an answer; `closes` when it says that the connection ends with it."""

    status: int
    headers: dict[str, str] = field(compare=False)
    body: bytes = field(compare=False)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the request left: no connection, or one that was over before."""

    why: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The request was sent, or some of it, and no whole answer came."""

    why: str


Outcome = Answered | Refused | Cut


class Connection:
    """An open connection; `open` gives one, or says why there is none."""

    def __init__(self, plain: socket.socket, secure: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
        self._plain = plain
        self._secure = secure
        self._buffer = b""

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None) -> "Connection | Refused":
        loop = asyncio.get_running_loop()
        plain = socket.socket()
        plain.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await loop.sock_connect(plain, (HOST, port))
                if tls is None:
                    return cls(plain, None)
                return cls(plain, await asyncio.open_connection(sock=plain, ssl=tls, server_hostname=HOST))
        except (OSError, ssl.SSLError) as error:  # a TimeoutError is an OSError
            plain.close()
            return Refused(f"no connection: {type(error).__name__}")

    async def send(self, data: bytes) -> Refused | None:
        """Send; Refused when the connection was over before anything left."""
        try:
            if self._secure is None:
                await asyncio.get_running_loop().sock_sendall(self._plain, data)
                return None
            reader, writer = self._secure
            if reader.at_eof() or writer.transport.is_closing():
                return Refused("the connection was over")
            writer.write(data)
            await writer.drain()
        except (OSError, ssl.SSLError) as error:
            return Refused(f"could not send: {type(error).__name__}")
        return None

    async def answer(self) -> Answered | Cut:
        """Read one whole answer."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                while b"\r\n\r\n" not in self._buffer:
                    await self._more()
                head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
                status, headers = _parsed(head)
                length = int(headers.get("content-length", "0")) if status >= 200 else 0
                while len(self._buffer) < length:
                    await self._more()
        except (OSError, ssl.SSLError, EOFError) as error:
            return Cut(type(error).__name__)
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answered(status, headers, body)

    async def exchange(self, request: bytes) -> Outcome:
        return await self.send(request) or await self.answer()

    async def close(self) -> None:
        if self._secure is None:
            self._plain.close()
        else:
            self._secure[1].transport.abort()
            await asyncio.sleep(0)  # the transport is told of its end by the loop

    async def _more(self) -> None:
        if self._secure is None:
            data = await asyncio.get_running_loop().sock_recv(self._plain, 65536)
        else:
            data = await self._secure[0].read(65536)
        if not data:
            raise EOFError
        self._buffer += data


async def one_exchange(port: int, tls: ssl.SSLContext | None, request: bytes) -> Outcome:
    """Send a request over a connection of its own."""
    connection = await Connection.open(port, tls)
    if isinstance(connection, Refused):
        return connection
    try:
        return await connection.exchange(request)
    finally:
        await connection.close()


def post(
    path: str, body: bytes = b"", *, announced: int | str | None = None, headers: Mapping[str, str] = NO_HEADERS
) -> bytes:
    """A POST request; `announced` is a Content-Length other than the body's own."""
    length = len(body) if announced is None else announced
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {length}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return int(first.split(" ")[1]), headers

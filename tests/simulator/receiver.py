"""A tiny callback receiver on loopback that answers by script and remembers what came."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = 204


@dataclass(frozen=True, slots=True)
class Received:
    """One request: its request line, headers (lower case), body, and when it was complete (monotonic seconds)."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(slots=True)
class Receiver:
    """`answers` are given in turn, then 204 for ever; None means no answer at all."""

    answers: list[int | None]
    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/callbacks/evolink/token?ref=a%2Fb"

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.received]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *fields = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(line, headers, body, time.monotonic()))
            status = self.answers.pop(0) if self.answers else OK
            if status is None:
                await reader.read()  # until the sender gives up
            else:
                writer.write(f"HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\nconnection: close\r\n".encode())
                writer.write(b"\r\n" if status == OK else b"content-length: 0\r\n\r\n")
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiver(answers: Sequence[int | None] = (), *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free port of loopback."""
    receiving = Receiver(list(answers), scheme="https" if tls else "http")
    server = await asyncio.start_server(receiving.handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        receiving.port = server.sockets[0].getsockname()[1]
        yield receiving

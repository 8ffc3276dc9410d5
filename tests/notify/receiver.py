"""An HTTPS endpoint on loopback that keeps what is posted to it and answers as a test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.outbound.origin import NAMES, reply, server_tls
from tests.support.listening import stop_listening


@dataclass(frozen=True, slots=True)
class Post:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


Answer = bytes | Callable[[Post, asyncio.StreamWriter], Awaitable[None]]
"""What is answered to one post: these bytes, or whatever a function does."""

OK = reply(status="204 No Content")


def status(line: str, *headers: str) -> bytes:
    """An answer without a body."""
    return reply(status=line, headers=headers)


async def silence(_post: Post, _writer: asyncio.StreamWriter) -> None:
    """Says nothing for as long as it is asked."""
    await asyncio.Event().wait()


async def drops(_post: Post, writer: asyncio.StreamWriter) -> None:
    """Ends the connection without an answer."""
    writer.close()


@dataclass(slots=True)
class Receiver:
    """What a test sees of the endpoint. `answers` are used up one by one, then `usual` is answered."""

    port: int = 0
    usual: Answer = OK
    answers: list[Answer] = field(default_factory=list)
    connections: int = 0
    posts: list[Post] = field(default_factory=list)

    def url(self, path: str = "/hooks", *, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                post = await _read(reader)
                self.posts.append(post)
                answer = self.answers.pop(0) if self.answers else self.usual
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(post, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Post:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Post(method, path, headers, body)


@asynccontextmanager
async def receiving(
    usual: Answer = OK, *, address: str = "127.0.0.1", port: int = 0, names: Sequence[str] = NAMES
) -> AsyncIterator[Receiver]:
    """Run an endpoint until the block ends."""
    seen = Receiver(usual=usual)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(seen.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def protocol() -> asyncio.StreamReaderProtocol:
        seen.connections += 1  # before the handshake: what is refused must not get even this far
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), accept)

    server = await asyncio.get_running_loop().create_server(protocol, address, port, ssl=server_tls(*names))
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        await stop_listening(server)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

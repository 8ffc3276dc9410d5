"""An image host over TLS in a process of its own: every path is the same image. It counts nothing and knows nobody."""

import asyncio
import contextlib
import multiprocessing
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import uvloop

from tests.system.support.authority import Authority

BLOCK = 256 * 1024


async def _serve(ready: Connection, authority: Authority, body: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head)
                for start in range(0, len(body), BLOCK):
                    writer.write(body[start : start + BLOCK])
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(ready: Connection, authority: Authority, body: bytes) -> None:
    uvloop.run(_serve(ready, authority, body))


@contextmanager
def image_host(authority: Authority, body: bytes) -> Iterator[int]:
    """The port of a host that runs as long as the block."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(theirs, authority, body))
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()

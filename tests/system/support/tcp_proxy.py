"""A way to a server on this machine that can be cut and mended."""

import asyncio
from contextlib import suppress

from tests.support.listening import stop_listening
from tests.system.support.ports import free_port, listening_socket


class TcpProxy:
    """Listens on a port of its own and passes everything on; while it is cut, nobody listens there."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        listener = listening_socket("127.0.0.1", self.port)
        self._server = await asyncio.start_server(self._serve, sock=listener)

    async def cut(self) -> None:
        """Stop listening, and end every connection."""
        if self._server is not None:
            closing, self._server = self._server, None
            await stop_listening(closing)
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
            pair = {writer, there_writer}
            self._writers |= pair
            try:
                await asyncio.gather(_pass(reader, there_writer), _pass(there_reader, writer))
            finally:
                self._writers -= pair


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    writer.close()

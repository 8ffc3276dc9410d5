"""uvicorn made quiet and prompt: no signal handlers, no fixed waits, no log. It must not know what it serves.

It sets uvicorn's loggers to critical for the whole process, since cut connections are this server's daily work.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from service.listener import stop_accepting

SHUTDOWN_SECONDS = 1
"""Time for answers that are under way when the stand-in stops."""

GOODBYE_SECONDS = 0.2
"""Time for clients to close their end, so that what was sent arrives; idle clients often do not look."""

CONNECTION_POLL = 0.005
"""Seconds between looks at whether connections are gone; uvicorn tells nobody."""


class QuietServer(uvicorn.Server):
    """Serves until it is told to stop; whoever starts it runs `serve` as a task."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self._ready.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def wait_until_ready(self, running: asyncio.Task[None]) -> None:
        """Return once connections are accepted; raises what kept the server from starting."""
        await self._ready.wait()
        if not self.started:
            await running

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle at once, give the rest a moment, then cut it."""
        for server in self.servers:
            await stop_accepting(server)
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=SHUTDOWN_SECONDS)
            self._cut_unanswered()
            for answer in late:
                answer.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                while self.server_state.connections:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(CONNECTION_POLL)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def _cut_unanswered(self) -> None:
        """Drop connections in the middle of an exchange; uvicorn would answer a cancelled request with 500."""
        for connection in list(self.server_state.connections):
            exchange = getattr(connection, "cycle", None)  # None: the connection is idle
            if exchange is not None and not exchange.response_complete:
                connection.transport.abort()

    async def stop(self, running: asyncio.Task[None]) -> None:
        self._stopping.set()
        await running


def quiet_config(app: ASGIApp, tls: ssl.SSLContext) -> uvicorn.Config:
    """uvicorn's settings for an application behind TLS."""
    config = uvicorn.Config(
        app,
        loop="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ssl_context_factory=lambda _config, _default: tls,
    )
    config.load()
    return config


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)

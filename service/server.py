"""uvicorn, taught to leave without cutting anyone off, and to end with exit code 0 when asked to."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from service.http_protocol import BoundedProtocol
from service.listener import BACKLOG, accept_rest, refuse_new, stop_accepting

GREETED_WITHIN = 10.0
"""Seconds for a TLS handshake, as long as the provider waits for all of an answer: a machine that is late for a moment
loses none of its callbacks. Until it is over, a connection is nobody's to close."""

HANDSHAKE_WITHIN = 2.0
"""The same for those who come while the service leaves."""

ACCEPT_FOR = 0.3
"""Seconds for connections that have begun to be accepted, before the listener is closed."""

LEAVE_WITHIN = 1.0
"""Seconds that idle connections get to send a last request, which is answered with `Connection: close`."""

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than proxies keep theirs (nginx and load balancers 60), so that none
sends a callback into a connection that is just being closed, which it could not send again."""

log = structlog.get_logger(__name__)


class GentleServer(uvicorn.Server):
    """Signals are the caller's business; `on_drain` is called when shutting down begins."""

    def __init__(self, config: uvicorn.Config, *, on_drain: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_drain = on_drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # uvicorn's own way would end the process by the signal instead of with exit code 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn starts on sockets, but nobody may take the minute for a handshake that asyncio grants."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers = [await self._listen(listener) for listener in sockets or []]
        self.started = True

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        patience = GREETED_WITHIN if self.config.ssl else None
        return await asyncio.get_running_loop().create_server(
            self._protocol, sock=listener, ssl=self.config.ssl, backlog=BACKLOG, ssl_handshake_timeout=patience
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, let those that are open say their last word, then close as uvicorn does."""
        log.info("draining", connections=len(self.server_state.connections))
        self._on_drain()
        listeners = [listener.dup() for listener in sockets or []]  # so that uvicorn's closing resets nobody
        for listener in listeners:
            refuse_new(listener)
        await asyncio.sleep(ACCEPT_FOR)
        for server in self.servers:
            await stop_accepting(server)
        for listener in listeners:
            await self._serve_rest(listener)
        await self._until_idle(LEAVE_WITHIN)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.1)
        self._drop_closed()
        await super().shutdown(sockets)

    async def _serve_rest(self, listener: socket.socket) -> None:
        """Serve those who got into the queue after the loop had stopped looking at it."""
        for connection in accept_rest(listener):
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().connect_accepted_socket(
                    self._protocol,
                    connection,
                    ssl=self.config.ssl,
                    ssl_handshake_timeout=HANDSHAKE_WITHIN if self.config.ssl else None,
                )

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def _until_idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn keeps a set and tells nobody
                    await asyncio.sleep(0.02)

    def _drop_closed(self) -> None:
        """Do not wait for peers that never answer the end of TLS: all that was said to them has left already."""
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport.is_closing() and transport.get_write_buffer_size() == 0:
                transport.abort()


def stop_on_signals(server: GentleServer) -> None:
    """SIGTERM and SIGINT drain; a second SIGINT does not wait."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        server.force_exit = server.should_exit and number is signal.SIGINT
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)


def config_for(
    app: ASGIApp,
    *,
    drain_timeout: float,
    trusted_proxies: list[str] | None = None,
    certificate: str | None = None,
    key: str | None = None,
    lifespan: bool = True,
) -> uvicorn.Config:
    """One way to configure uvicorn: no logs of its own (they would hold tokens), HTTP/1.1 by httptools."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or [],
        timeout_graceful_shutdown=max(1, round(drain_timeout)),
        timeout_keep_alive=KEEP_ALIVE,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        lifespan="on" if lifespan else "off",
        http=BoundedProtocol,
        ws="none",
        backlog=BACKLOG,
    )

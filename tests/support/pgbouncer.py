"""PgBouncer in transaction mode before a PostgreSQL server: each transaction may run on another of its connections.

It listens on loopback, is started in a folder of its own as an unprivileged user, and stopped by its pid.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped] # it ships no types

from tests.support.dump import Dump
from tests.support.own_process import free_port, unprivileged
from tests.support.packages import program
from tests.support.postgres import PostgresDatabases, rows_of

PACKAGES = {"pgbouncer": "pgbouncer"}
"""Programs, and the Debian packages that bring them."""

START_WITHIN = 10.0
CONNECTIONS = 6
"""To the server, for each database: fewer than a service holds to PgBouncer, so that transactions change places."""

_CONFIG = """
[databases]
* = host={host} port={server} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
server_round_robin = 1
"""


class PgBouncer:
    """A pooling proxy before the server of a URL."""

    def __init__(self, folder: Path, url: str) -> None:
        parts = urlsplit(url)
        self._port = free_port()
        self._config = folder / "pgbouncer.ini"
        values = {"host": parts.hostname, "server": parts.port or 5432, "user": parts.username, "port": self._port}
        values["password"] = f" password={unquote(parts.password)}" if parts.password else ""
        self._config.write_text(_CONFIG.format(connections=CONNECTIONS, **values))
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def before(self, url: str, *, told: bool = True) -> str:
        """The way through the proxy to the database of a URL; `told`: the URL says that there is a proxy."""
        parts = urlsplit(url)
        place = f"{parts.username}@127.0.0.1:{self._port}"
        return urlunsplit(("postgresql", place, parts.path, "pooler=transaction" if told else "", ""))

    def start(self, url: str) -> None:
        with self._log.open("wb") as log:
            command = [program("pgbouncer"), str(self._config)]
            started = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **unprivileged())
        self._process = started
        until = time.monotonic() + START_WITHIN
        while True:
            try:
                rows_of(self.before(url, told=False), "SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if started.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(self._log.read_text()) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None


class PooledDatabases:
    """New databases behind the proxy; what goes past the service goes past the proxy too."""

    def __init__(self, databases: PostgresDatabases, proxy: PgBouncer) -> None:
        self._databases = databases
        self._proxy = proxy

    def new(self, *, migrated: bool = True) -> str:
        return self._proxy.before(self._databases.new(migrated=migrated))

    def run(self, sql: str) -> None:
        self._databases.run(sql)

    def dump(self) -> Dump:
        return self._databases.dump()

    def drop_made(self) -> None:
        self._databases.drop_made()


@contextmanager
def pgbouncer(url: str) -> Iterator[PgBouncer]:
    """A proxy for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-pgbouncer-"))
    if os.getuid() == 0:
        folder.chmod(0o755)
    proxy = PgBouncer(folder, url)
    try:
        proxy.start(url)
        yield proxy
    finally:
        proxy.stop()
        shutil.rmtree(folder, ignore_errors=True)

"""How a connection to PostgreSQL is configured, and what of its URL may be shown. It runs no transaction.

`pooler=transaction` in the URL says that a proxy such as PgBouncer hands out connections for one transaction each:
then statements have no names and are prepared anew each time, and there are no wake-ups (LISTEN needs a session), only
polling.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, MutableSet
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped] # it ships no types
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.catalog.columns import as_json
from service.outbound.tls import tls_context

POOLER = "pooler"
CONNECT_WITHIN = 4.0
"""Seconds, for the whole handshake, and again for what is set after it."""

_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
"""A peer that says nothing any more is given up after about 20 s; the names that a platform lacks are left out."""

_SERVERS_KEEPALIVE = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
"""Has the server give us up after a minute, where its system would take two hours. It is set after the handshake, as a
proxy refuses a connection that begins with it, even one that pools sessions, of which the URL says nothing."""


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """A database's address; `dsn` holds the password, `place` is for people."""

    dsn: str = field(repr=False)
    place: str
    pooled: bool
    tls: ssl.SSLContext | None = None

    @classmethod
    def read(cls, url: str, *, ca_file: Path | None = None) -> "PostgresUrl":
        """Take a `postgresql://` URL apart. Raises SettingsError where `ca_file` holds no certificates."""
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in query if name != POOLER])
        place = f"{parts.path.strip('/') or 'the default'} at {parts.netloc.rpartition('@')[2] or 'the local socket'}"
        dsn = urlunsplit(("postgresql", parts.netloc, parts.path, rest, ""))
        return cls(dsn, place, dict(query).get(POOLER) == "transaction", _verifying(dict(query), ca_file))


def _verifying(query: Mapping[str, str], ca_file: Path | None) -> ssl.SSLContext | None:
    """TLS that trusts whom all our connections trust, where the URL has the server verified and names nobody."""
    if query.get("sslmode") not in ("verify-ca", "verify-full") or query.keys() & {"sslrootcert", "sslcert"}:
        return None
    context = tls_context(ca_file)
    context.set_alpn_protocols(["postgresql"])  # servers refuse others
    context.check_hostname = query["sslmode"] == "verify-full"
    return context


async def connect(url: PostgresUrl, *, command_within: float | None, name: str = "darkroom") -> asyncpg.Connection:
    """One connection; `command_within` bounds each statement in seconds, seen from here. `name` is for the server."""
    connection = await asyncpg.connect(
        url.dsn,
        timeout=CONNECT_WITHIN,
        command_timeout=command_within,
        server_settings={"application_name": name},
        **({"statement_cache_size": 0} if url.pooled else {}),
        **({"ssl": url.tls} if url.tls is not None else {}),
    )
    if _keep_alive(connection) and not url.pooled:
        try:
            await connection.execute(_SERVERS_KEEPALIVE, timeout=CONNECT_WITHIN)
        except BaseException:
            connection.terminate()
            raise
    return connection


def _keep_alive(connection: asyncpg.Connection) -> bool:
    """Have the kernel notice a peer that went away without a word; asyncpg has no option for it. Whether it is TCP."""
    transport: asyncio.BaseTransport | None = getattr(connection, "_transport", None)
    ours = transport.get_extra_info("socket") if transport is not None else None
    if ours is None or ours.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    with suppress(OSError):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _known(_KEEPALIVE):
            ours.setsockopt(socket.IPPROTO_TCP, option, value)
    return True


def _known(options: dict[str, int]) -> Iterator[tuple[int, int]]:
    for name, value in options.items():
        if (option := getattr(socket, name, None)) is not None:
            yield option, value


async def let_go(connections: Iterable[asyncpg.Connection], *, within: float) -> None:
    """Close connections all together, in use or not; one whose server does not answer in so many seconds is cut off."""
    await asyncio.gather(*(one.close(timeout=within) for one in connections), return_exceptions=True)


def engine_for(
    url: PostgresUrl, *, size: int, wait: float, command_within: float | None, opened: MutableSet[asyncpg.Connection]
) -> AsyncEngine:
    """A pool of at most `size` connections; who finds none free waits for `wait` seconds.

    Each goes into `opened`, for `let_go`: the pool closes one after another, and waits for each server's answer.
    """
    names = {} if url.pooled else {"prepared_statement_name_func": _unique}

    async def made() -> asyncpg.Connection:
        connection = await connect(url, command_within=command_within)
        opened.add(connection)
        return connection

    def adapted() -> Any:  # as `async_creator` does it, which takes no names
        dbapi: Any = engine.dialect.dbapi
        return dbapi.connect(async_creator_fn=made, **names)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        creator=adapted,
        pool_size=size,
        max_overflow=0,
        pool_timeout=wait,
        json_serializer=as_json,
        hide_parameters=True,  # errors are logged, and parameters hold prompts and links
    )
    return engine


def _unique() -> str:
    """A statement's name that no other process uses: behind a proxy that nobody told us of, it would run theirs."""
    return f"darkroom_{uuid4().hex}"

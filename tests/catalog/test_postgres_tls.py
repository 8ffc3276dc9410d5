"""A server behind TLS is verified where the URL says so, by the system's certificates and the given file."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable
from tests.support.databases import Databases, on_postgres

pytestmark = on_postgres

ASKED_FOR_TLS = bytes.fromhex("00000008 04d2162f")


@asynccontextmanager
async def before(url: str, certificate: trustme.LeafCert) -> AsyncIterator[str]:
    """A way to the database over TLS, as a server offers it that has a certificate; the URL of that way."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["postgresql"])
    certificate.configure_cert(context)
    parts = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == ASKED_FOR_TLS
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except (ssl.SSLError, ConnectionError):
            writer.close()
            return
        theirs, ours = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(copy(reader, ours), copy(theirs, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"postgresql://{parts.username}@localhost:{port}{parts.path}"


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def clock_of(url: str, ca_file: Path | None) -> object:
    catalog = Catalog(url, ca_file=ca_file)
    catalog.open()
    try:
        return await catalog.read(lambda tx: tx.now)
    finally:
        await asyncio.to_thread(catalog.close)


async def test_the_server_is_verified_by_the_given_certificates(databases: Databases, tmp_path: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    trusted, foreign = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.cert_pem.write_to_path(trusted)
    theirs.cert_pem.write_to_path(foreign)
    async with before(str(databases.new()), ours.issue_cert("localhost")) as url:
        assert await clock_of(f"{url}?sslmode=verify-full", trusted)
        for ca_file in (None, foreign):
            with pytest.raises(CatalogUnavailable, match="certificate"):
                await clock_of(f"{url}?sslmode=verify-full", ca_file)


@pytest.mark.parametrize(("mode", "taken"), [("verify-full", False), ("verify-ca", True), ("require", True)])
async def test_its_name_counts_only_where_the_url_says_so(
    databases: Databases, tmp_path: Path, mode: str, taken: bool
) -> None:
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    async with before(str(databases.new()), authority.issue_cert("elsewhere.example.com")) as url:
        if taken:
            assert await clock_of(f"{url}?sslmode={mode}", ca_file)
            return
        with pytest.raises(CatalogUnavailable, match="certificate"):
            await clock_of(f"{url}?sslmode={mode}", ca_file)

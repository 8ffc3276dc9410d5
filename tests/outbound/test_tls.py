"""Outgoing TLS: always verified, with an authority of one's own added to the system's."""

import asyncio
import ssl
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.outbound.tls import tls_context
from tests.outbound.origin import always, authority, guarded_client, origin, reply


def test_verification_is_on_and_old_versions_are_off() -> None:
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_file_adds_to_the_systems_authorities(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    assert tls_context(file).cert_store_stats()["x509_ca"] == tls_context(None).cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\x00"])
def test_a_file_without_certificates_names_the_setting(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="DARKROOM_TLS__CA_FILE"):
        tls_context(file)


async def test_a_host_certified_by_the_added_authority_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    async with (
        origin(always(reply(b"ok"))) as host,
        guarded_client(tls=tls_context(file)) as client,
        client.get(host.url()) as answer,
    ):
        assert answer.status == 200


async def test_no_other_protocol_is_agreed_upon_than_the_one_that_is_spoken(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    offering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offering.set_alpn_protocols(["h2", "http/1.1"])
    authority().issue_cert("127.0.0.1").configure_cert(offering)

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=offering) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls_context(file))
        agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        writer.close()
        await writer.wait_closed()
    assert agreed == "http/1.1"

import ssl
from pathlib import Path

from service.simulator.certificates import Authority, write_key, write_public


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """A TLS handshake in memory; raises ssl.SSLError when the client does not trust the server."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    waiting = list(ends)
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)


def test_the_server_is_trusted_by_every_loopback_name_and_the_extra_ones() -> None:
    authority = Authority(["simulator"])
    for name in ("localhost", "127.0.0.1", "::1", "simulator"):
        shake_hands(authority.server_context(), authority.client_context(), name)


def test_another_name_is_not_trusted() -> None:
    authority = Authority()
    try:
        shake_hands(authority.server_context(), authority.client_context(), "files.example")
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("the certificate was taken for another name")


def test_a_key_file_is_for_its_owner_only_also_when_it_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    write_public(path, b"old")
    path.chmod(0o644)
    write_key(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)

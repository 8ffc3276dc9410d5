"""A throwaway certificate authority with server certificates for loopback. Never for anything but tests."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Issued:
    """A server certificate (with its chain) and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """One CA, alive in memory only; its own key is never written."""

    def __init__(self, extra_names: Sequence[str] = ()) -> None:
        self._names = tuple(dict.fromkeys((*LOOPBACK, *extra_names)))
        self._authority = trustme.CA(organization_name="Darkroom stand-in, for tests only")

    @property
    def pem(self) -> bytes:
        """The CA's certificate."""
        return self._authority.cert_pem.bytes()

    def issue(self) -> Issued:
        """A new server certificate for localhost, 127.0.0.1, ::1 and the extra names."""
        leaf = self._authority.issue_cert(*self._names)
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return Issued(certificate=chain, key=leaf.private_key_pem.bytes())

    def server_context(self) -> ssl.SSLContext:
        """TLS settings for a server with a certificate of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*self._names).configure_cert(context)
        return context

    def client_context(self, extra_ca: Path | None = None) -> ssl.SSLContext:
        """TLS settings for a client that trusts the system's CAs, this one, and those in a file."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.pem.decode("ascii"))
        if extra_ca is not None:
            context.load_verify_locations(cafile=extra_ca)
        return context


def given_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS settings for a server with a certificate that somebody else made. Raises OSError when it cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def write_public(path: Path, pem: bytes) -> None:
    """Write a certificate, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pem)


def write_key(path: Path, pem: bytes) -> None:
    """Write a private key that only its owner may read, also where a file was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)

"""A certificate authority of the tests' own, with one certificate for this machine's names and addresses."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """Files of the CA's certificate, of a server certificate with its chain, and of that certificate's key."""

    ca_file: Path
    certificate: Path
    key: Path

    def server_tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


def new_authority(folder: Path) -> Authority:
    """Make the CA and the certificate, and write them into a folder."""
    ca = trustme.CA()
    issued = ca.issue_cert("localhost", "127.0.0.1", "127.0.0.2", "::1")
    made = Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca.cert_pem.write_to_path(str(made.ca_file))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(made.certificate), append=number > 0)
    issued.private_key_pem.write_to_path(str(made.key))
    return made

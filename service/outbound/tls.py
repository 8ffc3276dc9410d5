"""The TLS settings of every outgoing connection. It must offer no way to turn verification off."""

import ssl
from pathlib import Path

from service.errors import SettingsError


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Verification by the system's authorities and those in `ca_file`, which is PEM; TLS 1.2 or newer.

    Raises SettingsError when the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise SettingsError(f"DARKROOM_TLS__CA_FILE takes a file of PEM certificates: {error}") from error
    return context

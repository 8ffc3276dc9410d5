"""Settings of a service under test: everything on this machine, images from `localhost` only."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.system.support.authority import Authority

KEY = "dk_key-of-the-system-tests"


def list_setting(*items: object) -> str:
    """A list as a setting takes it."""
    return json.dumps(items)


def settings_for(
    folder: Path, port: int, *, authority: Authority, tls: bool, changed: Mapping[str, str | None]
) -> dict[str, str]:
    """Settings by their names without prefix; `changed` overrides them, and None leaves one out."""
    settings: dict[str, str | None] = {
        "DATA_DIR": str(folder / "data"),
        "PUBLIC_URL": f"{'https' if tls else 'http'}://127.0.0.1:{port}",
        "SERVER__PORT": str(port),
        "SERVER__TLS_CERT": str(authority.certificate) if tls else None,
        "SERVER__TLS_KEY": str(authority.key) if tls else None,
        "TLS__CA_FILE": str(authority.ca_file),
        "DOWNLOAD__ALLOWED_HOSTS": list_setting("localhost"),
        "DOWNLOAD__TRUSTED_NETWORKS": list_setting("127.0.0.1/32", "::1/128"),
        "STORAGE__MIN_FREE_BYTES": "16 MiB",
        "API_KEYS": list_setting({"name": "tests", "key": KEY, "scopes": ["admin"]}),
        "LOG__LEVEL": "debug",
        **changed,
    }
    return {name: value for name, value in settings.items() if value is not None}

"""The service under demonstration, as a process of its own with settings of its own."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STOP_WITHIN = 30.0
PROVIDER_KEY = "demo-provider-key"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service under demonstration lives."""

    folder: Path
    port: int
    api_key: str
    ca_file: Path
    certificate: Path
    key: Path
    provider_url: str

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def archive(self) -> Path:
        return self.folder / "data" / "archive"

    def environment(self) -> dict[str, str]:
        """Settings that let it fetch from the stand-in on this machine, and from nowhere else."""
        return {
            "DARKROOM_DATA_DIR": str(self.folder / "data"),
            "DARKROOM_PUBLIC_URL": self.url,
            "DARKROOM_SERVER__PORT": str(self.port),
            "DARKROOM_SERVER__TLS_CERT": str(self.certificate),
            "DARKROOM_SERVER__TLS_KEY": str(self.key),
            "DARKROOM_TLS__CA_FILE": str(self.ca_file),
            "DARKROOM_DOWNLOAD__ALLOWED_HOSTS": '["localhost"]',
            "DARKROOM_DOWNLOAD__TRUSTED_NETWORKS": '["127.0.0.0/8", "::1/128"]',
            "DARKROOM_EVOLINK__API_URL": self.provider_url,
            "DARKROOM_EVOLINK__API_KEY": PROVIDER_KEY,
            "DARKROOM_RECONCILE__REQUESTS_PER_SECOND": "50",
            "DARKROOM_STORAGE__MIN_FREE_BYTES": "64 MiB",
            "DARKROOM_API_KEYS": f'[{{"name": "demo", "key": "{self.api_key}", "scopes": ["admin"]}}]',
            "DARKROOM_LOG__FORMAT": "json",
        }


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def start(place: Place) -> asyncio.subprocess.Process:
    """Start the service; its log goes to `service.log` in the folder. Settings of the caller's shell do not count."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment: Mapping[str, str] = {**inherited, **place.environment()}
    with (place.folder / "service.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "service",
            "serve",
            env=environment,
            cwd=place.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the demonstration, which then stops the service in order
        )


async def stop(process: asyncio.subprocess.Process) -> int | None:
    """Ask it to stop and wait; its exit code."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    return process.returncode

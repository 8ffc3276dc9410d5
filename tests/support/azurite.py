"""Azure's Blob service as its own emulator speaks it: Azurite, in memory, on loopback, stopped by its pid."""

import base64
import hashlib
import hmac
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import httpx

from tests.support.buckets import NamedBucket
from tests.support.own_process import free_port
from tests.support.packages import program

PACKAGES = {"azurite-blob": "azurite (npm)"}
"""Programs, and what brings them."""

ACCOUNT = "devstoreaccount1"
CONTAINER = "pictures"
VERSION = "2023-11-03"
START_WITHIN = 30.0


class Azurite:
    """One account with one container."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._key = secrets.token_bytes(64)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/{ACCOUNT}"

    @property
    def bucket(self) -> NamedBucket:
        return NamedBucket(f"az://{CONTAINER}/tests", self.options)

    @property
    def options(self) -> dict[str, str]:
        """What a store needs to reach it."""
        return {
            "endpoint": self.url,
            "allow_http": "true",
            "account_name": ACCOUNT,
            "account_key": base64.b64encode(self._key).decode(),
        }

    def start(self) -> None:
        command = [program("azurite-blob"), "--silent", "--inMemoryPersistence", "--disableTelemetry"]
        command += ["--blobHost", "127.0.0.1", "--blobPort", str(self._port)]
        account = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self.options['account_key']}"}
        with (self._folder / "log").open("wb") as log:
            started = subprocess.Popen(command, stdout=log, stderr=log, env=account, cwd=self._folder)
        self._process = started
        until = time.monotonic() + START_WITHIN
        while True:
            try:
                return self._make_container()
            except httpx.TransportError:
                if started.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def _make_container(self) -> None:
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        named = "".join(f"{name}:{value}\n" for name, value in headers.items())
        to_sign = f"PUT{12 * chr(10)}{named}/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
        signature = base64.b64encode(hmac.digest(self._key, to_sign.encode(), hashlib.sha256)).decode()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
        url = f"{self.url}/{CONTAINER}?restype=container"
        httpx.put(url, headers=headers, trust_env=False).raise_for_status()


@contextmanager
def azurite() -> Iterator[Azurite]:
    """An emulator for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-azurite-"))
    server = Azurite(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

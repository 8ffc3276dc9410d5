"""A collector that others made: Rotel takes OTLP on loopback, and passes it on to a collector of ours."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.own_process import free_port, unprivileged
from tests.support.packages import program

PACKAGES = {"rotel-agent": "rotel (PyPI) and libpython3.11"}
"""Programs, and what brings them."""

START_WITHIN = 20.0


@contextmanager
def rotel(to: str) -> Iterator[str]:
    """Its OTLP/HTTP base URL, for as long as the block runs; at its end it has passed everything on."""
    grpc, http = free_port(), free_port()
    command = [program("rotel-agent"), "start", "--exporter", "otlp", "--batch-timeout", "200ms"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    command += ["--otlp-exporter-endpoint", to, "--otlp-exporter-protocol", "http"]
    environment = {"PATH": os.environ["PATH"]}
    process = subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.DEVNULL, **unprivileged())
    try:
        _wait_for(http, process)
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_WITHIN
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"rotel-agent did not start: {process.poll()}") from None
            time.sleep(0.05)

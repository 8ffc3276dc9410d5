"""A bucket of moto's S3 server on a loopback port. It checks neither signatures nor rights."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from tests.support.s3_objects import Bucket, Key

BUCKET = "pictures"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens; it has one bucket."""

    url: str

    @property
    def options(self) -> dict[str, str]:
        """What a store needs to reach it."""
        return self._bucket.options

    @property
    def _bucket(self) -> Bucket:
        return Bucket(self.url, BUCKET, Key("AKIATHEKEYOFTESTS", "the-secret-of-tests"))

    def fill(self, place: str, keys: Iterable[str], *, data: bytes = b"x") -> None:
        """Put many small objects at once, past the network."""
        prefix = place.removeprefix(f"s3://{BUCKET}/")
        for key in keys:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(BUCKET, f"{prefix}/{key}", data)

    def fresh_place(self) -> str:
        """A prefix of the bucket that nobody else uses."""
        return self._bucket.fresh_place()


@contextmanager
def s3_server(port: int = 0) -> Iterator[S3Server]:
    """A server in a thread, forgetting everything at its end."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        started = S3Server(f"http://{host}:{port}")
        httpx.put(f"{started.url}/{BUCKET}", trust_env=False).raise_for_status()
        yield started
    finally:
        server.stop()

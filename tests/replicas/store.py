"""The bucket of a house: a server that may be killed, and what lies in one place of it, seen by another client."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped] # it has no stubs
from botocore.config import Config  # type: ignore[import-untyped] # it has no stubs

from tests.replicas.weather import Mortal
from tests.support.ceph_rgw import ceph_gateway
from tests.support.moto_bucket import s3_server

AT_ONCE = 4
PROBE = ".probe-"
"""How the names of objects begin that the service puts to see whether it may; a kill in between leaves one."""


class Bucket(Protocol):
    """Where a bucket is, and what a client needs for it."""

    @property
    def options(self) -> Mapping[str, str]:
        """As a store takes them, the endpoint among them."""

    def fresh_place(self) -> str:
        """A prefix that nobody else uses, as a URL."""


@dataclass(frozen=True, slots=True)
class Store:
    """A server with a bucket; `mortal` where it can be killed."""

    bucket: Bucket
    mortal: Mortal | None = None


@contextmanager
def quick_store() -> Iterator[Store]:
    """A stand-in in this process; it cannot die."""
    with s3_server() as bucket:
        yield Store(bucket)


@contextmanager
def real_store() -> Iterator[Store]:
    """Ceph's gateway, which can be killed alone."""
    with ceph_gateway() as gateway:
        yield Store(gateway.bucket, Mortal(gateway.kill_gateway, gateway.start_gateway))


class Shelf:
    """What lies in one place of a bucket; it counts what is put there from its making on."""

    def __init__(self, bucket: Bucket, place: str, *, counting: bool = False) -> None:
        options = bucket.options
        self._name, self._prefix = urlsplit(place).netloc, f"{urlsplit(place).path.strip('/')}/"
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=options["endpoint"],
            region_name=options["region"],
            aws_access_key_id=options["access_key_id"],
            aws_secret_access_key=options["secret_access_key"],
            config=Config(proxies={}, request_checksum_calculation="when_required", max_pool_connections=AT_ONCE),
        )
        if counting:
            self._client.put_bucket_versioning(Bucket=self._name, VersioningConfiguration={"Status": "Enabled"})

    def keys(self) -> list[str]:
        """The names of all objects but those of probes, sorted."""
        return [key for key in self._listed() if not key.startswith(PROBE)]

    def probes(self) -> int:
        """How many probes were left."""
        return sum(key.startswith(PROBE) for key in self._listed())

    def puts(self) -> Counter[str]:
        """How often each object was put, but for probes."""
        return Counter(key for key in self._all("list_object_versions", "Versions") if not key.startswith(PROBE))

    def read(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._name, Key=f"{self._prefix}{key}")["Body"].read()
        return body

    def fetch_all(self, folder: Path) -> None:
        """Write every object into a folder, under its name."""

        def fetch(key: str) -> None:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(key))

        folder.mkdir()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(fetch, self.keys()))

    def _listed(self) -> list[str]:
        return self._all("list_objects_v2", "Contents")

    def _all(self, listing: str, part: str) -> list[str]:
        pages = self._client.get_paginator(listing).paginate(Bucket=self._name, Prefix=self._prefix)
        return sorted(found["Key"].removeprefix(self._prefix) for page in pages for found in page.get(part, []))

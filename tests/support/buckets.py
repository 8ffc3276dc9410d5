"""Where the tests of the store in a bucket find one: a stand-in, real servers, or the bucket that somebody named.

DARKROOM_TEST_STORAGE_URL names one (`s3://bucket/prefix gs:// az://`), and DARKROOM_TEST_STORAGE_OPTIONS gives its
options as DARKROOM_STORAGE__OPTIONS does; it takes the place of the stand-in. What the tests put there, they remove.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import obstore
import pytest

from service.storage.bucket import Client, Patience, open_clients
from service.storage.place import Bucket

URL, OPTIONS = "DARKROOM_TEST_STORAGE_URL", "DARKROOM_TEST_STORAGE_OPTIONS"


class BucketServer(Protocol):
    """A bucket in which each test has a place of its own."""

    @property
    def options(self) -> dict[str, str]:
        """What a store needs to reach it."""

    def fresh_place(self) -> str:
        """A prefix of the bucket that nobody else uses, as a URL."""

    def fill(self, place: str, keys: Iterable[str], *, data: bytes = b"x") -> None:
        """Put many small objects."""


class NamedBucket:
    """The bucket of a URL, of whatever kind."""

    def __init__(self, url: str, options: dict[str, str]) -> None:
        self._url = url.rstrip("/")
        self.options = options
        self._places: list[str] = []

    def fresh_place(self) -> str:
        self._places.append(f"{self._url}/{secrets.token_hex(8)}")
        return self._places[-1]

    def fill(self, place: str, keys: Iterable[str], *, data: bytes = b"x") -> None:
        client = self._client(place)
        for key in keys:
            obstore.put(client, key, data)

    def empty(self) -> None:
        """Remove all that lies in the places that were given away."""
        for place in self._places:
            client = self._client(place)
            for page in obstore.list(client):
                for found in page:
                    obstore.delete(client, found["path"])

    def _client(self, place: str) -> Client:
        bucket = Bucket.of_url(place)
        assert bucket is not None, f"{URL} names no bucket"
        return open_clients(bucket, options=self.options, ca=None, user_agent="tests", patience=Patience()).brief


@contextmanager
def named_bucket() -> Iterator[NamedBucket]:
    """The bucket that the environment names."""
    named = NamedBucket(os.environ[URL], json.loads(os.environ.get(OPTIONS, "{}")))
    try:
        yield named
    finally:
        named.empty()


USUAL = "named" if URL in os.environ else "moto"
"""The fixture of the bucket that every test runs on."""

EVERY = [USUAL, *(pytest.param(name, marks=pytest.mark.long) for name in ("ceph", "azure"))]
"""Fixtures of buckets of all kinds."""

OWN_S3 = ["moto", pytest.param("ceph", marks=pytest.mark.long)]
"""Fixtures of buckets that speak S3, and into which anything may be put."""

"""Objects put into an S3 bucket by another client than the service's, which also puts what the service never would."""

import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped] # it has no stubs
from botocore.config import Config  # type: ignore[import-untyped] # it has no stubs

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Key:
    """What a client shows and signs with."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a server at `url`, as `key` sees it."""

    url: str
    name: str
    key: Key

    @property
    def options(self) -> dict[str, str]:
        """What a store needs to reach it."""
        return {
            "endpoint": self.url,
            "allow_http": "true",
            "region": "us-east-1",
            "access_key_id": self.key.name,
            "secret_access_key": self.key.secret,
        }

    def fresh_place(self) -> str:
        """A prefix that nobody else uses."""
        return f"s3://{self.name}/{secrets.token_hex(4)}/archive"

    def make(self) -> None:
        self._client().create_bucket(Bucket=self.name)

    def fill(self, place: str, keys: Iterable[str], *, data: bytes = b"x") -> None:
        """Put many small objects."""
        client, prefix = self._client(), urlsplit(place).path.strip("/")

        def put(key: str) -> None:
            client.put_object(Bucket=self.name, Key=f"{prefix}/{key}", Body=data)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(put, keys))

    def unfinished(self) -> int:
        """How many uploads in parts were begun and neither ended nor given up."""
        return len(self._client().list_multipart_uploads(Bucket=self.name).get("Uploads", []))

    def _client(self) -> Any:
        quiet = Config(proxies={}, request_checksum_calculation="when_required", max_pool_connections=AT_ONCE)
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key.name,
            aws_secret_access_key=self.key.secret,
            config=quiet,
        )

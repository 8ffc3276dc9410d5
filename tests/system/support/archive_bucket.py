"""What lies in a bucket, seen from outside by another client than the service's."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped] # it has no stubs
from botocore.config import Config  # type: ignore[import-untyped] # it has no stubs

from tests.support.moto_bucket import S3Server
from tests.system.support.archive_folder import ArchiveFolder


class ArchiveBucket(ArchiveFolder):
    """The archive of one service in a bucket; what is not finished lies in its data directory."""

    def __init__(self, data_dir: Path, server: S3Server, place: str) -> None:
        super().__init__(data_dir)
        self._staging = data_dir / "staging"
        self._bucket = urlsplit(place).netloc
        self._prefix = f"{urlsplit(place).path.strip('/')}/"
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="AKIAANOTHERKEY",
            aws_secret_access_key="of-the-judge",
            config=Config(proxies={}),
        )

    def keys(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def bytes_of(self, object_key: str) -> bytes:
        found = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{object_key}")
        body: bytes = found["Body"].read()
        return body

    def spoil(self, object_key: str) -> None:
        """Change a byte of an object."""
        body = bytearray(self.bytes_of(object_key))
        body[len(body) // 2] ^= 1
        self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}{object_key}", Body=bytes(body))

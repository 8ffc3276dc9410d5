"""Servers of object storage for the tests of the stores."""

from collections.abc import Iterator

import pytest

from tests.support.moto_bucket import S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started

"""Real servers for the tests of what a release runs: those that the system tests and the tests of stores use."""

from collections.abc import Iterator

import pytest

from tests.support.moto_bucket import S3Server, s3_server
from tests.system.conftest import authority, image_host, stand_in, start

__all__ = ["authority", "image_host", "stand_in", "start"]


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started

"""Servers of object storage for the tests of the stores; each is started when the first test needs it."""

from collections.abc import Iterator

import pytest

from tests.support import azurite
from tests.support.buckets import EVERY, OWN_S3, BucketServer, NamedBucket, named_bucket
from tests.support.ceph_rgw import PACKAGES, CephGateway, ceph_gateway
from tests.support.moto_bucket import S3Server, s3_server
from tests.support.packages import require


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


@pytest.fixture(scope="session")
def named() -> Iterator[NamedBucket]:
    with named_bucket() as named:
        yield named


@pytest.fixture(scope="session")
def gateway(request: pytest.FixtureRequest) -> Iterator[CephGateway]:
    require(request, PACKAGES)
    with ceph_gateway() as started:
        yield started


@pytest.fixture
def ceph(gateway: CephGateway) -> BucketServer:
    return gateway.bucket


@pytest.fixture(scope="session")
def azure(request: pytest.FixtureRequest) -> Iterator[NamedBucket]:
    require(request, azurite.PACKAGES)
    with azurite.azurite() as started:
        yield started.bucket


@pytest.fixture(params=EVERY)
def bucket(request: pytest.FixtureRequest) -> BucketServer:
    """A bucket of every kind, one after the other."""
    found: BucketServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=OWN_S3)
def s3(request: pytest.FixtureRequest) -> BucketServer:
    """A bucket that speaks S3 and is ours."""
    found: BucketServer = request.getfixturevalue(request.param)
    return found

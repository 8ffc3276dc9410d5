"""The service as a process, as the black-box tests start it, and descriptors enough to attack it with."""

import resource
from collections.abc import Iterator

import pytest

from tests.system.conftest import authority, image_host, start

__all__ = ["authority", "image_host", "start"]


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """As many as this process may have: a crowd takes one for each."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)

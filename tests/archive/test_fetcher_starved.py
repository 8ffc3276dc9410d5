"""This process may open no file any more: that says nothing of the link, and is no attempt."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.archive.fetcher import Fetched, Fetcher
from service.archive.staged_file import staged_path
from service.domain.attempt import Failed, Failure
from service.errors import Unavailable
from service.outbound.address_policy import Address
from service.outbound.guarded_client import GuardedClient
from tests.archive.test_fetcher import PNG
from tests.outbound.origin import always, guarded_client, origin, reply
from tests.support.starved import no_more_files


def fetcher(client: GuardedClient) -> Fetcher:
    return Fetcher(client=client, max_bytes=10**7, max_pixels=10**6, total_timeout=10)


async def unknown(name: str, port: int) -> Sequence[Address]:
    """What the system's resolver says when it may open no socket, and also when a name server is away."""
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def test_without_a_descriptor_for_a_connection_our_side_is_ill_and_not_the_link(tmp_path: Path) -> None:
    async with origin(always(reply(PNG))) as host, guarded_client() as client:
        with no_more_files(), pytest.raises(Unavailable, match="Too many open files"):
            await fetcher(client).fetch(host.url(), staged_path(tmp_path))
        assert isinstance(await fetcher(client).fetch(host.url(), staged_path(tmp_path)), Fetched)


async def test_a_name_that_cannot_be_looked_up_is_our_fault_only_without_descriptors(tmp_path: Path) -> None:
    async with guarded_client(lookup=unknown) as client:
        outcome = await fetcher(client).fetch("https://images.example.com/a.png", staged_path(tmp_path))
        assert isinstance(outcome, Failed)
        assert outcome.failure is Failure.UNREACHABLE
        with no_more_files(), pytest.raises(Unavailable, match="Too many open files"):
            await fetcher(client).fetch("https://images.example.com/a.png", staged_path(tmp_path))

"""Links that may not be fetched: refused as values, and no connection reaches the host they name."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.archive.fetcher import Fetched, Fetcher
from service.archive.staged_file import staged_path
from service.domain.attempt import Failed, Failure
from service.outbound.guarded_client import GuardedClient, Timeouts
from tests.outbound.origin import always, guarded_client, names_at, origin, redirects, reply

REFUSED: list[tuple[str, Failure]] = [
    ("https://127.0.0.1:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://2130706433:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[::ffff:127.0.0.1]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[::127.0.0.1]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[64:ff9b::127.0.0.1]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[64:ff9b:1:7f00:0:100::]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[2002:7f00:1::1]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[2001:0:7f00:1::]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://[2606:4700::5efe:127.0.0.1]:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://files.evolink.test:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("http://files.evolink.test:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://a:b@files.evolink.test:{port}/a.png", Failure.REFUSED_ADDRESS),
    ("https://", Failure.REFUSED_HOST),
]
NOT_ON_THE_LIST = ("https://evil.test:{port}/a.png", "https://evolink.test:{port}/a.png", "https://127.0.0.1:{port}/")
INSIDE = names_at(
    files__evolink__test=["127.0.0.1"],
    evil__test=["127.0.0.1"],
    evolink__test=["127.0.0.1"],
    start__evolink__test=["127.0.0.9"],
)
OK = reply(b"bytes")


def fetcher(client: GuardedClient) -> Fetcher:
    return Fetcher(client=client, max_bytes=1000, max_pixels=1000, total_timeout=10)


async def refused(client: GuardedClient, link: str, staging: Path) -> Failure:
    outcome = await fetcher(client).fetch(link, staged_path(staging))
    assert isinstance(outcome, Failed)
    assert list(staging.iterdir()) == []
    return outcome.failure


@pytest.mark.parametrize(("link", "expected"), REFUSED)
async def test_a_refused_link_makes_no_connection(link: str, expected: Failure, tmp_path: Path) -> None:
    async with origin(always(OK)) as inner, guarded_client(trusted=(), lookup=INSIDE) as client:
        assert await refused(client, link.format(port=inner.port), tmp_path) is expected
        assert inner.connections == 0


@pytest.mark.parametrize("link", NOT_ON_THE_LIST)
async def test_a_host_that_is_not_on_the_list_gets_no_connection(link: str, tmp_path: Path) -> None:
    async with (
        origin(always(OK)) as inner,
        guarded_client(allowed_hosts=("*.evolink.test",), lookup=INSIDE) as client,
    ):
        assert await refused(client, link.format(port=inner.port), tmp_path) is Failure.REFUSED_HOST
        assert inner.connections == 0


@pytest.mark.parametrize(("link", "expected"), REFUSED[:-1])  # an empty reference leads back to where it stands
async def test_a_redirect_to_a_refused_link_makes_no_second_connection(
    link: str, expected: Failure, tmp_path: Path
) -> None:
    async with (
        origin(always(OK)) as inner,
        origin(
            redirects({"/go.png": link.format(port=inner.port)}, b""), address="127.0.0.9", names=["start.evolink.test"]
        ) as outer,
        guarded_client(trusted=("127.0.0.9/32",), lookup=INSIDE) as client,
    ):
        assert await refused(client, outer.url("/go.png", host="start.evolink.test"), tmp_path) is expected
        assert (outer.connections, inner.connections) == (1, 0)


@pytest.mark.long
@settings(max_examples=60)
@given(st.text() | st.text().map(lambda text: f"https://{text}.test") | st.from_regex(r"https://[^/]{1,20}\.x/.{0,20}"))
@example("https://files.evolink.test:0/")
@example("https://files.evolink.test:65535/%")
def test_any_text_as_a_link_ends_as_a_value(tmp_path_factory: pytest.TempPathFactory, link: str) -> None:
    async def fetch() -> Fetched | Failed:
        timeouts = Timeouts(connect=0.2, read=0.2)
        async with guarded_client(trusted=(), lookup=names_at(), timeouts=timeouts) as client:
            return await fetcher(client).fetch(link, staged_path(tmp_path_factory.getbasetemp()))

    outcome = asyncio.run(fetch())
    assert isinstance(outcome, Failed)
    assert outcome.failure in (Failure.REFUSED_HOST, Failure.REFUSED_ADDRESS, Failure.UNREACHABLE)

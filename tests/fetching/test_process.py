"""Fetching by a process of its own: as without one, and nothing is lost or left behind when either of the two dies."""

import asyncio
import hashlib
import signal
import sys
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.archive.fetcher import Fetched
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.errors import StorageUnavailable, Unavailable
from service.fetching.child import STEPS_BACK
from service.fetching.lines import LONGEST
from service.fetching.process import FetchProcess
from tests.fetching.ordering import Halted, begun, fetching, processes, staging, terms_for
from tests.outbound.origin import always, origin, reply
from tests.support.hostile_images import encoded, noise
from tests.system.support.waiting import eventually

IMAGE = encoded(noise(), "PNG")


async def test_what_is_fetched_is_proven_and_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path) as fetcher:
        outcomes = await asyncio.gather(*(fetcher.fetch(host.url(f"/{number}")) for number in range(20)))
        assert len(processes()) == 1
    for outcome in outcomes:
        assert isinstance(outcome, Fetched)
        assert outcome.path.read_bytes() == IMAGE
        assert (outcome.sha256, outcome.size) == (hashlib.sha256(IMAGE).hexdigest(), len(IMAGE))
        assert outcome.image.format is ImageFormat.PNG
        assert isinstance(outcome.image, Image)
    assert {outcome.path for outcome in outcomes if isinstance(outcome, Fetched)} == set(staging(tmp_path).iterdir())
    assert len(set(staging(tmp_path).iterdir())) == 20


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(status="404 Not Found"), Failed(Failure.LINK_GONE, "127.0.0.1 answered 404")),
        (
            reply(status="429 Too Many Requests", headers=["Retry-After: 7"]),
            Failed(Failure.HTTP_STATUS, "127.0.0.1 answered 429", retry_after=7.0),
        ),
        (
            reply(b"x", length=10_000_001),
            Failed(Failure.TOO_LARGE, "127.0.0.1 sends more than the 10000000 bytes allowed"),
        ),
    ],
)
async def test_what_failed_is_told_as_it_is(answer: bytes, expected: Failed, tmp_path: Path) -> None:
    async with origin(always(answer)) as host, fetching(tmp_path) as fetcher:
        assert await fetcher.fetch(host.url("/secret.png")) == expected
    assert list(staging(tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({"trusted_networks": ()}, Failure.REFUSED_ADDRESS),
        ({"allowed_hosts": ("*.evolink.ai",)}, Failure.REFUSED_HOST),
    ],
)
async def test_what_is_forbidden_gets_no_connection(changed: dict[str, Any], failure: Failure, tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path, **changed) as fetcher:
        outcome = await fetcher.fetch(host.url())
        assert isinstance(outcome, Failed)
        assert outcome.failure is failure
        assert host.connections == 0


async def test_a_host_that_no_authority_vouches_for_gets_no_request(tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path, ca_file=None) as fetcher:
        outcome = await fetcher.fetch(host.url())
        assert isinstance(outcome, Failed)
        assert outcome.failure is Failure.UNREACHABLE
        assert host.requests == []


async def test_a_disk_that_does_not_take_the_bytes_is_our_fault(tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path) as fetcher:
        staging(tmp_path).rmdir()
        with pytest.raises(StorageUnavailable, match="No such file or directory"):
            await fetcher.fetch(host.url())


async def test_who_is_cancelled_leaves_nothing_behind_and_others_go_on(tmp_path: Path) -> None:
    halted = Halted(IMAGE)
    async with origin(halted) as host, fetching(tmp_path) as fetcher:
        first, second = (asyncio.create_task(fetcher.fetch(host.url(path))) for path in ("/a.png", "/b.png"))
        await begun(tmp_path, 2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await begun(tmp_path, 1)
        halted.gate.set()
        outcome = await second
        assert isinstance(outcome, Fetched)
        assert list(staging(tmp_path).iterdir()) == [outcome.path]


async def test_when_the_process_is_killed_nothing_counts_and_another_one_fetches(tmp_path: Path) -> None:
    halted = Halted(IMAGE)
    async with origin(halted) as host, fetching(tmp_path) as fetcher:
        under_way = [asyncio.create_task(fetcher.fetch(host.url(f"/{number}"))) for number in range(3)]
        await begun(tmp_path, 3)
        [killed] = processes()
        killed.kill()
        for task in under_way:
            with pytest.raises(Unavailable, match="the process that fetches ended"):
                await task
        assert list(staging(tmp_path).iterdir()) == []
        halted.gate.set()
        assert isinstance(await fetcher.fetch(host.url()), Fetched)
        [another] = processes()
        assert another.pid != killed.pid


async def test_the_service_goes_first_where_there_is_too_little_time_for_both(tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path) as fetcher:
        assert isinstance(await fetcher.fetch(host.url()), Fetched)
        [child] = processes()
        assert child.nice() - psutil.Process().nice() == STEPS_BACK
        group = Path(f"/proc/{child.pid}/autogroup")
        assert not group.exists() or group.read_text().endswith(f"nice {STEPS_BACK}\n")


async def test_a_process_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    async with (
        origin(always(reply(IMAGE))) as host,
        fetching(tmp_path, total_timeout=0.5, answer_late=5) as fetcher,
    ):
        await eventually(partial(_fetched, fetcher, host.url()), what="it is up", within=20)
        [stuck] = processes()
        stuck.send_signal(signal.SIGSTOP)
        with pytest.raises(Unavailable, match="does not answer"):
            await fetcher.fetch(host.url())
        await eventually(partial(_fetched, fetcher, host.url()), what="another one fetches", within=20)


async def _fetched(fetcher: FetchProcess, link: str) -> bool | None:
    """Where a slow machine starts the process in more than its time, it is tried again."""
    try:
        return isinstance(await fetcher.fetch(link), Fetched) or None
    except Unavailable:
        return None


async def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    async with origin(Halted(IMAGE)) as host:
        async with fetching(tmp_path) as fetcher:
            task = asyncio.create_task(fetcher.fetch(host.url()))
            await begun(tmp_path)
        with pytest.raises(Unavailable):
            await task
    assert list(staging(tmp_path).iterdir()) == []


async def test_a_process_that_does_not_come_up_is_our_fault(tmp_path: Path) -> None:
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path, ca_file=tmp_path / "none.pem") as fetcher:
        for _ in range(2):
            with pytest.raises(Unavailable, match="the process that fetches ended"):
                await fetcher.fetch(host.url())
        assert host.connections == 0


async def test_it_inherits_nothing_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_API_KEYS", "a secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another one")
    async with origin(always(reply(IMAGE))) as host, fetching(tmp_path) as fetcher:
        await fetcher.fetch(host.url())
        [process] = processes()
        assert not {"DARKROOM_API_KEYS", "AWS_SECRET_ACCESS_KEY"} & set(process.environ())
        assert host.url() not in " ".join(process.cmdline())


ENDLESS = f"'x' * {2 * LONGEST}"


@pytest.mark.parametrize(
    "said", ["'nonsense'", """'{"number": 7, "dropped": {}}'""", """'{"number": 0, "archived": {}}'""", ENDLESS]
)
async def test_a_process_that_says_what_it_must_not_is_ended_and_not_believed(said: str, tmp_path: Path) -> None:
    lying = f"import sys; [sys.stdin.readline() for _ in range(2)]; print({said}, flush=True); sys.stdin.read()"
    process = FetchProcess(terms_for(tmp_path), staging=tmp_path, program=(sys.executable, "-S", "-c", lying))
    async with aclosing(process) as fetcher:
        with pytest.raises(Unavailable, match="the process that fetches ended"):
            await fetcher.fetch("https://files.evolink.test/a.png")
    assert [one for one in psutil.Process().children() if lying in one.cmdline()] == []


async def test_where_no_process_can_be_started_nothing_counts(tmp_path: Path) -> None:
    process = FetchProcess(terms_for(tmp_path), staging=tmp_path, program=(str(tmp_path / "none"),))
    with pytest.raises(Unavailable, match="no process that fetches can be started: No such file"):
        await process.fetch("https://files.evolink.test/a.png")

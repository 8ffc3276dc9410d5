"""From link to proven file against real TLS hosts, and every way in which that can fail."""

import asyncio
import hashlib
import io
import itertools
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image as Pillow

from service.archive.fetcher import BLOCK, Fetched, Fetcher
from service.archive.staged_file import staged_path
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.errors import StorageUnavailable
from service.outbound.guarded_client import GuardedClient, Timeouts
from tests.outbound.origin import (
    Handler,
    Request,
    always,
    guarded_client,
    origin,
    reply,
    then_cut,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def saved(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Pillow.effect_noise(size, 80).convert("RGB").save(file, kind)
    return file.getvalue()


PNG = saved("PNG")


def chunked(*parts: bytes) -> bytes:
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def fetcher(
    client: GuardedClient,
    *,
    max_bytes: int = 10_000_000,
    max_pixels: int = 1_000_000,
    total_timeout: float = 10,
    clock: Callable[[], float] = time.monotonic,
) -> Fetcher:
    return Fetcher(
        client=client,
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        total_timeout=total_timeout,
        now=lambda: NOW,
        clock=clock,
    )


async def failed(handler: Handler, staging: Path, *, timeouts: Timeouts | None = None, **limits: float) -> Failed:
    """The failure that a host's answer leads to; nothing may stay behind, and the detail may not show the link."""
    client = guarded_client(timeouts=timeouts or Timeouts(connect=5, read=5))
    async with origin(handler) as host, client:
        outcome = await fetcher(client, **limits).fetch(host.url("/secret.png?token=secret"), staged_path(staging))  # type: ignore[arg-type]
    assert isinstance(outcome, Failed), outcome
    assert "secret" not in outcome.detail
    assert list(staging.iterdir()) == []
    return outcome


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_fetched_image_is_proven_and_stands_in_a_file_of_its_own(kind: str, tmp_path: Path) -> None:
    content = saved(kind, (900, 700))
    assert len(content) > 300_000
    async with origin(always(reply(content))) as host, guarded_client() as client:
        outcomes = [await fetcher(client).fetch(host.url(), staged_path(tmp_path)) for _ in range(2)]
    for outcome in outcomes:
        assert isinstance(outcome, Fetched)
        assert outcome.path.read_bytes() == content
        assert outcome.sha256 == hashlib.sha256(content).hexdigest()
        assert outcome.size == len(content)
        assert outcome.image == Image(ImageFormat(kind.lower()), 900, 700)
        assert outcome.path.parent == tmp_path
    assert len({outcome.path for outcome in outcomes if isinstance(outcome, Fetched)}) == 2


@pytest.mark.parametrize("answer", [chunked(*(PNG[n : n + 7] for n in range(0, len(PNG), 7)), b""), reply(PNG)])
async def test_how_the_body_is_framed_does_not_matter(answer: bytes, tmp_path: Path) -> None:
    async with origin(always(answer)) as host, guarded_client() as client:
        assert isinstance(await fetcher(client).fetch(host.url(), staged_path(tmp_path)), Fetched)


async def test_a_body_that_ends_with_its_connection_is_whole_if_its_structure_is(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    assert (await failed(then_cut(head + PNG[:-1]), tmp_path)).failure is Failure.TRUNCATED
    async with origin(then_cut(head + PNG)) as host, guarded_client() as client:
        assert isinstance(await fetcher(client).fetch(host.url(), staged_path(tmp_path)), Fetched)


async def test_many_links_are_fetched_at_once_over_the_pool(tmp_path: Path) -> None:
    async with origin(always(reply(PNG))) as host, guarded_client() as client:
        ours = fetcher(client)
        outcomes = await asyncio.gather(*(ours.fetch(host.url(f"/{n}"), staged_path(tmp_path)) for n in range(30)))
        assert all(isinstance(outcome, Fetched) for outcome in outcomes)
        assert host.connections <= 4
    assert len(list(tmp_path.iterdir())) == 30


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
async def test_a_link_that_is_gone_is_called_so(status: str, tmp_path: Path) -> None:
    outcome = await failed(always(reply(PNG, status=status)), tmp_path)
    assert outcome == Failed(Failure.LINK_GONE, f"127.0.0.1 answered {status[:3]}")


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        ("206 Partial Content", "Content-Range: bytes 0-9/10", None),
        ("204 No Content", "X: y", None),
        ("500 Internal Server Error", "Retry-After: 9", None),
        ("401 Unauthorized", "WWW-Authenticate: Basic", None),
        ("302 Found", "X: y", None),
        ("429 Too Many Requests", "Retry-After: 9", 9),
        ("503 Service Unavailable", "Retry-After: Sun, 01 Mar 2026 12:01:00 GMT", 60),
        ("503 Service Unavailable", "Retry-After: 999999", 1800),
        ("503 Service Unavailable", "Retry-After: soon", None),
    ],
)
async def test_any_other_answer_is_a_status_with_the_wait_it_asks_for(
    status: str, header: str, wait: float | None, tmp_path: Path
) -> None:
    body = b"" if status.startswith("204") else PNG
    outcome = await failed(always(reply(body, status=status, headers=[header])), tmp_path)
    assert outcome == Failed(Failure.HTTP_STATUS, f"127.0.0.1 answered {status[:3]}", retry_after=wait)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (then_cut(reply(PNG, length=len(PNG) + 10)), Failure.TRUNCATED),
        (then_cut(reply(PNG[:-1], length=len(PNG))), Failure.TRUNCATED),
        (then_cut(chunked(PNG[:50], PNG[50:])), Failure.TRUNCATED),
        (then_cut(chunked(PNG)[:-40]), Failure.TRUNCATED),
        (always(chunked(PNG[:-3], b"")), Failure.TRUNCATED),
        (always(reply(b"")), Failure.TRUNCATED),
        (always(chunked(b"")), Failure.TRUNCATED),
        (always(reply(b"<!DOCTYPE html><p>Sorry")), Failure.NOT_AN_IMAGE),
        (always(reply(b'{"error":1}')), Failure.NOT_AN_IMAGE),
        (always(reply(saved("GIF"))), Failure.NOT_AN_IMAGE),
        (always(reply(PNG, headers=["Content-Encoding: gzip"])), Failure.NOT_AN_IMAGE),
        (always(reply(saved("PNG", (1001, 1000)))), Failure.TOO_LARGE),
        (then_cut(b""), Failure.UNREACHABLE),
    ],
)
async def test_a_body_that_is_not_the_whole_image_is_not_kept(
    handler: Handler, expected: Failure, tmp_path: Path
) -> None:
    assert (await failed(handler, tmp_path)).failure is expected


@pytest.mark.parametrize("answer", [reply(PNG, length=len(PNG) - 10), chunked(PNG) + b"zz\r\n"])
async def test_a_body_that_breaks_its_own_framing_is_not_kept(answer: bytes, tmp_path: Path) -> None:
    # which of the two depends on how much of it arrives at once
    assert (await failed(then_cut(answer), tmp_path)).failure in (Failure.TRUNCATED, Failure.UNREACHABLE)


async def test_a_html_page_is_named_as_one(tmp_path: Path) -> None:
    outcome = await failed(always(reply(b"<html>", headers=["Content-Type: image/png"])), tmp_path)
    assert outcome.detail == "an HTML page, not a PNG, JPEG or WebP"


async def test_an_announced_length_over_the_cap_is_refused_before_the_body_is_sent(tmp_path: Path) -> None:
    outcome = await failed(always(reply(b"", length=1001)), tmp_path, max_bytes=1000)
    assert outcome == Failed(Failure.TOO_LARGE, "127.0.0.1 sends more than the 1000 bytes allowed")


async def test_an_image_of_exactly_the_cap_is_kept_and_one_byte_more_is_not(tmp_path: Path) -> None:
    handler = always(chunked(PNG, b""))
    assert (await failed(handler, tmp_path, max_bytes=len(PNG) - 1)).failure is Failure.TOO_LARGE
    async with origin(handler) as host, guarded_client() as client:
        assert isinstance(await fetcher(client, max_bytes=len(PNG)).fetch(host.url(), staged_path(tmp_path)), Fetched)


async def test_an_endless_body_is_stopped_at_the_cap(tmp_path: Path) -> None:
    sent = 0

    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
            await writer.drain()
            await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever

    outcome = await failed(endless, tmp_path, max_bytes=1_000_000)
    assert outcome.failure is Failure.TOO_LARGE
    assert sent < 20_000_000


async def _drips(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(PNG[:100], length=len(PNG)))
    while True:
        await asyncio.sleep(0.02)
        writer.write(b"x")


async def _stalls(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(PNG[:100], length=len(PNG)))
    await asyncio.Event().wait()


async def test_a_body_that_drips_is_stopped_by_the_total_timeout(tmp_path: Path) -> None:
    outcome = await failed(_drips, tmp_path, total_timeout=0.3)
    assert outcome == Failed(Failure.UNREACHABLE, "not finished within 0.3 s")


async def _stalls_later(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(bytes(2 * BLOCK), length=3 * BLOCK))
    await asyncio.Event().wait()


@pytest.mark.parametrize("handler", [_stalls_later, then_cut(reply(bytes(2 * BLOCK), length=3 * BLOCK))])
async def test_what_came_too_late_while_our_disk_held_everything_up_says_nothing_of_the_link(
    handler: Handler, tmp_path: Path
) -> None:
    passing = itertools.count(step=1.5)  # seconds go by with each look: every write takes too long
    async with origin(handler) as host, guarded_client(timeouts=Timeouts(connect=5, read=0.1)) as client:
        ours = fetcher(client, clock=lambda: next(passing))
        with pytest.raises(StorageUnavailable, match=r"kept a download waiting for \d\.\d s"):
            await ours.fetch(host.url(), staged_path(tmp_path))
    assert list(tmp_path.iterdir()) == []


def _halts_after(blocks: int) -> Handler:
    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(bytes(blocks * BLOCK), length=(blocks + 1) * BLOCK))
        await asyncio.Event().wait()

    return handler


async def test_many_writes_that_wait_a_little_hold_everything_up_as_one_that_waits_long(tmp_path: Path) -> None:
    passing = itertools.count(step=0.3)
    async with origin(_halts_after(20)) as host, guarded_client(timeouts=Timeouts(connect=5, read=0.1)) as client:
        with pytest.raises(StorageUnavailable, match="kept a download waiting for"):
            await fetcher(client, clock=lambda: next(passing)).fetch(host.url(), staged_path(tmp_path))


@pytest.mark.parametrize(("write", "end"), [(0.04, 2.0), (0.3, 60.0)])
async def test_writes_as_they_always_are_and_a_moment_of_a_long_time_excuse_no_link(
    write: float, end: float, tmp_path: Path
) -> None:
    looks = [0.0, *(at for number in range(5) for at in (number, number + write))]
    times = itertools.chain(looks, itertools.repeat(end))
    async with origin(_halts_after(5)) as host, guarded_client(timeouts=Timeouts(connect=5, read=0.1)) as client:
        outcome = await fetcher(client, clock=lambda: next(times)).fetch(host.url(), staged_path(tmp_path))
    assert outcome == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_disk_that_held_everything_up_before_excuses_no_link_now(tmp_path: Path) -> None:
    times = itertools.chain([0.0, 0.0, 9.0], itertools.repeat(10.0))  # begun, and the first write takes nine seconds
    client = guarded_client(timeouts=Timeouts(connect=5, read=0.1))
    async with origin(always(reply(PNG))) as host, origin(_stalls) as stalling, client:
        ours = fetcher(client, clock=lambda: next(times))
        assert isinstance(await ours.fetch(host.url(), staged_path(tmp_path)), Fetched)
        assert isinstance(await ours.fetch(stalling.url(), staged_path(tmp_path)), Failed)


async def test_what_a_host_says_counts_however_slow_our_disk_is(tmp_path: Path) -> None:
    passing = itertools.count(step=1.5)
    async with origin(always(reply(b"<html>"))) as host, guarded_client() as client:
        outcome = await fetcher(client, clock=lambda: next(passing)).fetch(host.url(), staged_path(tmp_path))
    assert isinstance(outcome, Failed)
    assert outcome.failure is Failure.NOT_AN_IMAGE


async def test_a_body_that_stalls_is_stopped_by_the_read_timeout(tmp_path: Path) -> None:
    outcome = await failed(_stalls, tmp_path, timeouts=Timeouts(connect=5, read=0.1))
    assert outcome == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_cancelled_fetch_leaves_nothing_behind(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"x" * 600_000, length=5_000_000))
        await writer.drain()
        arrived.set()
        await asyncio.Event().wait()

    async with origin(handler) as host, guarded_client() as client:
        task = asyncio.create_task(fetcher(client).fetch(host.url(), staged_path(tmp_path)))
        await arrived.wait()
        while not list(tmp_path.iterdir()):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.get_running_loop().shutdown_default_executor()
        assert list(tmp_path.iterdir()) == []


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_does_not_take_the_bytes_is_our_fault_and_not_the_links(tmp_path: Path) -> None:
    content = saved("PNG", (900, 700))
    async with origin(always(reply(content))) as host, guarded_client() as client:
        with largest_file(100_000), pytest.raises(StorageUnavailable, match="File too large"):
            await fetcher(client).fetch(host.url(), staged_path(tmp_path))
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(StorageUnavailable, match="No such file or directory"):
            await fetcher(client).fetch(host.url(), staged_path(tmp_path / "not mounted"))
        assert isinstance(await fetcher(client).fetch(host.url(), staged_path(tmp_path)), Fetched)

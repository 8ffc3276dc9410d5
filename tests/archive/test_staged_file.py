"""A staged file and the threads that work on it: never closed under a write, never left behind."""

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from service.archive.staged_file import StagedFile
from service.domain.attempt import Failed, Failure


class Slow(list[bytes]):
    """Parts whose writing a test can hold up."""

    def __init__(self, *parts: bytes) -> None:
        super().__init__(parts)
        self.started = threading.Event()
        self.go_on = threading.Event()

    def clear(self) -> None:
        self.started.set()
        assert self.go_on.wait(10)
        super().clear()


async def all_threads_done() -> None:
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_what_is_appended_is_written_and_hashed_in_order(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "a.part")
    parts = [b"one", b"", b"two"]
    await staged.append(parts)
    await staged.append([b"three"])
    assert parts == []
    outcome = await staged.finish(max_pixels=1)
    assert isinstance(outcome, Failed)
    assert outcome.failure is Failure.NOT_AN_IMAGE
    assert staged.path.read_bytes() == b"onetwothree"
    assert (staged.size, staged.sha256) == (11, hashlib.sha256(b"onetwothree").hexdigest())
    staged.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_never_begun_is_discarded_without_a_trace(tmp_path: Path) -> None:
    StagedFile(tmp_path / "nowhere" / "a.part").discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("begun", [True, False])
async def test_a_file_discarded_under_a_write_is_removed_when_the_write_has_ended(tmp_path: Path, begun: bool) -> None:
    staged, slow = StagedFile(tmp_path / "a.part"), Slow(b"more")
    if begun:
        await staged.append([b"begun"])
    writing = asyncio.create_task(staged.append(slow))
    await asyncio.to_thread(slow.started.wait, 10)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    staged.discard()
    assert staged.path.exists() == begun  # the thread still has it
    slow.go_on.set()
    await all_threads_done()
    assert list(tmp_path.iterdir()) == []


async def test_a_write_that_begins_after_the_discard_creates_nothing(tmp_path: Path) -> None:
    first, staged = Slow(b"x"), StagedFile(tmp_path / "a.part")
    writing = [asyncio.create_task(staged.append(first))]
    await asyncio.to_thread(first.started.wait, 10)
    writing.append(asyncio.create_task(staged.append([b"late"])))
    await asyncio.sleep(0)
    for task in writing:
        task.cancel()
    staged.discard()
    first.go_on.set()
    await all_threads_done()
    await asyncio.gather(*writing, return_exceptions=True)
    assert list(tmp_path.iterdir()) == []

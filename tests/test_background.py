"""Nudges coalesce, loops survive their errors without spinning, and stopping gives each loop its chance."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from service.background import DRAIN_GRACE, Background, Drain, Nudge, Pauses, keep_running

FOREVER = 1e6


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


class Time:
    """A clock that moves only when somebody sleeps; the loop under test is cancelled after so many pauses."""

    def __init__(self, *, until_pauses: int) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self._until = until_pauses

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if len(self.pauses) >= self._until:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await asyncio.sleep(0)


async def pauses_of(run: Callable[[Time], Awaitable[None]], *, count: int) -> list[float]:
    """The pauses that a loop is given between its runs, until there were `count` of them."""
    time = Time(until_pauses=count)
    with contextlib.suppress(asyncio.CancelledError):
        await keep_running("test", lambda: run(time), pauses=Pauses(), sleep=time.sleep, clock=time.clock)
    return time.pauses


async def test_many_nudges_wake_once() -> None:
    nudge = Nudge()
    nudge.nudge()
    nudge.nudge()
    assert await nudge.wait(FOREVER) is True
    assert await nudge.wait(0.001) is False


async def test_a_nudge_wakes_who_waits() -> None:
    nudge = Nudge()
    waiting = asyncio.create_task(nudge.wait(FOREVER))
    await asyncio.sleep(0)
    nudge.nudge()
    assert await waiting is True


async def test_a_nudge_before_the_wait_is_not_lost_even_when_there_is_no_time() -> None:
    nudge = Nudge()
    nudge.nudge()
    assert await nudge.wait(0) is True


async def test_pauses_double_up_to_the_longest() -> None:
    async def fail(_time: Time) -> None:
        raise OSError("no")

    pauses = await pauses_of(fail, count=12)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-2:] == [30.0, 30.0]


async def test_pauses_begin_anew_after_a_healthy_minute() -> None:
    runs: list[int] = []

    async def fail_late_once(time: Time) -> None:
        runs.append(1)
        time.now += 60 if len(runs) == 4 else 1
        raise OSError("no")

    assert await pauses_of(fail_late_once, count=5) == [0.1, 0.2, 0.4, 0.1, 0.2]


async def test_an_incident_is_logged_once_with_its_traceback(logged: list[EventDict]) -> None:
    async def fail(_time: Time) -> None:
        raise OSError("the disk is gone")

    await pauses_of(fail, count=5)
    assert [(entry["event"], entry["loop"], str(entry["exc_info"])) for entry in logged] == [
        ("loop_failed", "test", "the disk is gone")
    ]


async def test_another_error_and_the_same_one_after_a_healthy_run_are_logged_again(logged: list[EventDict]) -> None:
    runs: list[int] = []

    async def fail(time: Time) -> None:
        runs.append(1)
        time.now += 60 if len(runs) == 4 else 1
        raise OSError("b" if len(runs) == 2 else "a")

    await pauses_of(fail, count=5)
    assert [str(entry["exc_info"]) for entry in logged] == ["a", "b", "a", "a"]


async def test_a_loop_that_returns_is_started_again_after_a_pause(logged: list[EventDict]) -> None:
    async def end(_time: Time) -> None:
        return

    assert await pauses_of(end, count=3) == [0.1, 0.2, 0.4]
    assert [repr(entry["exc_info"]) for entry in logged] == ["LoopEndedError('the loop returned')"]


async def test_a_cancelled_inner_task_does_not_end_the_loop_silently(logged: list[EventDict]) -> None:
    async def await_something_cancelled(_time: Time) -> None:
        inner = asyncio.create_task(asyncio.sleep(FOREVER))
        inner.cancel()
        await inner

    assert await pauses_of(await_something_cancelled, count=2) == [0.1, 0.2]
    assert len(logged) == 1


async def test_cancelling_ends_the_loop() -> None:
    started = asyncio.Event()

    async def run() -> None:
        started.set()
        await asyncio.sleep(FOREVER)

    task = asyncio.create_task(keep_running("test", run))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def recording(name: str, said: list[str]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await asyncio.sleep(FOREVER)
        finally:
            said.append(f"{name} ended")

    return run


async def test_what_ends_first_ends_before_the_drains_which_go_in_reverse_and_then_all_others() -> None:
    said: list[str] = []

    def drain(name: str) -> Drain:
        async def say(seconds: float) -> None:
            said.append(f"{name} drains for {round(seconds)} s")

        return say

    background = Background()
    background.start("renewal", recording("renewal", said))
    background.start("first", recording("first", said), drain=drain("first"))
    background.start("duty", recording("duty", said), ends_first=True)
    background.start("second", recording("second", said), drain=drain("second"))
    await asyncio.sleep(0)
    await background.stop(within=20)
    drained = ["second drains for 20 s", "second ended", "first drains for 20 s", "first ended"]
    assert said == ["duty ended", *drained, "renewal ended"]


async def test_loops_that_cling_to_life_are_waited_for_together_and_named(logged: list[EventDict]) -> None:
    let_go = asyncio.Event()

    async def cling() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FOREVER)
        await let_go.wait()
        raise asyncio.CancelledError

    background = Background(cancel_within=0.2)
    for name in "abc":
        background.start(name, cling)
    await asyncio.sleep(0)
    async with asyncio.timeout(0.5):
        await background.stop()
    assert sorted(entry["loop"] for entry in logged) == ["a", "b", "c"]
    assert {entry["event"] for entry in logged} == {"loop_did_not_stop"}
    let_go.set()


async def test_a_drain_that_fails_keeps_nobody_from_stopping(logged: list[EventDict]) -> None:
    said: list[str] = []

    async def drain(_seconds: float) -> None:
        raise OSError("no")

    background = Background()
    background.start("first", recording("first", said))
    background.start("second", recording("second", said), drain=drain)
    await asyncio.sleep(0)
    await background.stop()
    assert said == ["second ended", "first ended"]
    assert [entry["event"] for entry in logged] == ["drain_failed"]


async def test_a_drain_that_does_not_end_is_cut_off(logged: list[EventDict]) -> None:
    said: list[str] = []

    async def drain(_seconds: float) -> None:
        await asyncio.sleep(FOREVER)

    background = Background()
    background.start("only", recording("only", said), drain=drain)
    await asyncio.sleep(0)
    async with asyncio.timeout(DRAIN_GRACE + 5):
        await background.stop()
    assert said == ["only ended"]
    assert [entry["event"] for entry in logged] == ["drain_timed_out"]


async def test_stopping_twice_is_harmless() -> None:
    background = Background()
    background.start("only", recording("only", []))
    await background.stop()
    await background.stop()

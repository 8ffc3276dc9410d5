"""What a task goes through as one trace, in however many processes and hours: the port, and one that does nothing.

The ids follow from the task alone, so that every process, replica and restart adds to the same trace and nothing has
to be kept. It must not import OpenTelemetry: that does `tracing_otlp`, which is loaded only where traces are wanted.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

Value = str | int | bool | None
"""Of an attribute; None leaves it out."""


class SpanName(StrEnum):
    """Every span there is; the last four are children of the first."""

    TASK = "task"
    CALLBACK = "callback"
    CONFIRM = "confirm"
    ARCHIVE = "archive"
    SIDECAR = "sidecar"


class TaskTrace(Protocol):
    """The trace of one task. Nothing here waits or raises; what goes in is shown to whoever may see traces."""

    def span(
        self,
        name: SpanName,
        *,
        seconds: float,
        attributes: Mapping[str, Value],
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        """Something ended just now after so many seconds; `error` says in words why it did not work out.

        `cause` is the `traceparent` header of the request that began it, as it came.
        """
        ...

    def settled(
        self, began: datetime, ended: datetime, *, attributes: Mapping[str, Value], error: str | None = None
    ) -> None:
        """The task itself: from when it was first heard of to when nothing was left to do."""
        ...


class Tracing(Protocol):
    """Where traces go."""

    def of(self, source: str, task_id: str) -> TaskTrace | None:
        """The trace of a task; None where it is not traced, so that nothing need be put together for it."""
        ...

    def close(self, within: float) -> None:
        """Send what waits within so many seconds, and end; may block for so long."""
        ...


class NoTracing:
    """In place of traces where none are wanted."""

    def of(self, source: str, task_id: str) -> None:
        """No task is traced."""

    def close(self, within: float) -> None:
        """Nothing waits."""


NO_TRACING: Tracing = NoTracing()


@dataclass(frozen=True, slots=True)
class TraceIds:
    """The id of a task's trace (16 bytes) and of its root span (8 bytes), as numbers."""

    trace: int
    root: int


def trace_ids(source: str, task_id: str) -> TraceIds:
    """The ids of a task, the same everywhere and for ever."""
    digest = hashlib.sha256(f"darkroom trace\0{source}\0{task_id}".encode()).digest()
    return TraceIds(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))

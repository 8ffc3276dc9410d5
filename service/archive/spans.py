"""Spans of the archive's work: an attempt at an image, and the whole task once nothing is left to do."""

from collections import Counter
from typing import assert_never

from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus, Stored
from service.domain.attempt import Failed
from service.domain.link import link_host
from service.domain.task import Task, TaskStatus
from service.errors import Unavailable
from service.observability.tracing import SpanName, Tracing, Value

Ended = Stored | Failed | Unavailable | None
"""How an attempt ended: where our own side was at fault with what was wrong, and with None where it did not count."""


def tell_attempt(tracing: Tracing, state: TaskState, index: int, ended: Ended, *, seconds: float) -> None:
    """An attempt at an image ended just now; `state` is from before it."""
    if (trace := tracing.of(state.task.source, state.task.id)) is None:
        return
    asset = state.assets[index]
    attributes: dict[str, Value] = {
        "server.address": link_host(asset.link),
        "darkroom.asset.index": index,
        "darkroom.archive.attempt": asset.attempts + 1,
    }
    error = None
    match ended:
        case None:
            attributes["darkroom.archive.outcome"] = "dropped"
        case Stored():
            attributes["darkroom.archive.outcome"] = "archived"
            attributes["darkroom.archive.format"] = ended.image.format.value
            attributes["http.response.body.size"] = ended.size
        case Failed():
            attributes["darkroom.archive.outcome"] = attributes["error.type"] = ended.failure.value
            error = ended.detail
        case Unavailable():  # not an attempt: the next one has the same number
            attributes["darkroom.archive.outcome"] = "postponed"
            attributes["error.type"] = type(ended).__name__
            error = str(ended)
        case _:
            assert_never(ended)
    trace.span(SpanName.ARCHIVE, seconds=seconds, attributes=attributes, error=error)


def newly_settled(before: Task | None, after: TaskState) -> TaskState | None:
    """The task where it settled just now, else None."""
    was = before is not None and before.settled_at is not None
    return after if after.task.settled_at is not None and not was else None


def tell_settled(tracing: Tracing, settled: TaskState | None) -> None:
    """Write the span of the whole task, if it settled; call it when that is durable."""
    if settled is None:
        return
    task, ended = settled.task, settled.task.settled_at
    trace = tracing.of(task.source, task.id)
    if trace is None or ended is None:
        return
    images = Counter(asset.status for asset in settled.assets)
    trace.settled(
        task.received_at,
        ended,
        attributes={
            "darkroom.task.status": task.status.value,
            "darkroom.task.reason": task.reason.value if task.reason else None,
            "darkroom.task.confirmed": task.confirmed,
            "darkroom.task.images": len(settled.assets),
            "darkroom.task.images.archived": images[AssetStatus.ARCHIVED],
            "darkroom.task.images.dead": images[AssetStatus.DEAD],
        },
        error=_given_up(task, images[AssetStatus.DEAD]),
    )


def _given_up(task: Task, dead_images: int) -> str | None:
    if task.status is TaskStatus.DEAD:
        return f"dead: {task.reason.value}" if task.reason else "dead"
    return f"images that are dead: {dead_images}" if dead_images else None

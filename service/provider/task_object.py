"""The provider's task object, as it would have it, with links that stay in the place of its own. Pure."""

from collections.abc import Mapping
from typing import Any, assert_never

from service.domain.task import Task, TaskReason, TaskStatus
from service.provider.payload import read_json, storable_mapping

_LINKS = ("results", "result_data")
_WHY_DEAD = {
    TaskReason.UNKNOWN_TO_PROVIDER: "the provider does not know this task",
    TaskReason.REFUTED: "the provider does not confirm this task",
    TaskReason.NO_LINKS: "the task is completed, but it has no image that can be fetched",
    TaskReason.NEVER_FINISHED: "the task did not finish in time",
}
_NOTHING_LEFT = "the task is completed, but none of its images could be fetched and kept"


def with_links(provider_json: str | None, *, task: Task, links: Mapping[int, str] | None) -> dict[str, Any]:
    """What the provider said of a task, with these links, by the index of their image, and no others.

    Without links at all (None) it is what may be shown to others. A settled task of which no image is left says so.
    Where it has said nothing yet, or gave no end to what we gave up, that much is made up from what we know.
    """
    said = told_by(provider_json)
    kept = {name: value for name, value in said.items() if name not in _LINKS}
    told = {**_least(task), **kept, "id": task.id, "status": task.status.value}
    match task.status:
        case TaskStatus.DEAD:
            message = _WHY_DEAD[task.reason] if task.reason is not None else "the task was given up"
            return {**told, "status": "failed", "progress": 100, "error": _error(message)}
        case TaskStatus.COMPLETED:
            urls = [url for _, url in sorted((links or {}).items())]
            linked = {**told, "results": urls, "result_data": [{"url": url} for url in urls]}
            lost = links is not None and not urls and task.settled_at is not None
            return {**linked, "error": _error(_NOTHING_LEFT)} if lost else linked
        case TaskStatus.PENDING | TaskStatus.PROCESSING | TaskStatus.FAILED | TaskStatus.CANCELLED:
            return told
        case _:
            assert_never(task.status)


def told_by(provider_json: str | None) -> dict[str, Any]:
    """The object as the provider sent it; what is no text to anybody else, such as half an emoji, becomes U+FFFD."""
    try:
        document = read_json(provider_json.encode())[1] if provider_json is not None else None
        return storable_mapping(document) if isinstance(document, dict) else {}
    except (ValueError, RecursionError):
        return {}


def _error(message: str) -> dict[str, str]:
    return {"code": "unknown_error", "message": message, "type": "task_error"}


def _least(task: Task) -> dict[str, Any]:
    """What every task object has."""
    return {
        "id": task.id,
        "object": "image.generation.task",
        "type": "image",
        "model": task.model,
        "status": task.status.value,
        "progress": 100 if task.terminal else 0,
        "created": int((task.created_at or task.received_at).timestamp()),
    }

"""Whether the catalog knows an object by its name. Pure: the bytes are looked at elsewhere."""

from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.object_key import folder
from service.domain.place import Place
from service.upkeep.findings import Finding, Kind

IN_MOTION = "in motion"
"""For what somebody is at work on, and will be gone or known soon."""


def judged(key: str, place: Place | None, state: TaskState | None) -> Finding | str | None:
    """None for what the catalog knows, IN_MOTION, or what is wrong; `state` is that of the task the place names."""
    if place is None or (not place.is_sidecar and place.index is None):
        return Finding(Kind.UNKNOWN_FILE, key, "a name that no image and no sidecar has", place and place.task_id)
    if state is None:
        what = "a sidecar" if place.is_sidecar else "an image"
        return Finding(Kind.UNKNOWN_TASK, key, f"{what} of a task that the catalog does not know", place.task_id)
    task = state.task
    if task.archive_date is None or folder(task.source, task.archive_date, task.id) != place.folder:
        return Finding(Kind.LEFTOVER, key, "in another folder than its task's", task.id)
    return None if place.index is None else _image(key, place.index, state)


def _image(key: str, index: int, state: TaskState) -> Finding | str | None:
    task_id = state.task.id
    if index >= len(state.assets):
        return Finding(Kind.LEFTOVER, key, "the task has no image of this number", task_id)
    asset = state.assets[index]
    match asset.status:
        case AssetStatus.ARCHIVED if asset.stored is not None and asset.stored.object_key == key:
            return None
        case AssetStatus.ARCHIVED:
            return Finding(Kind.LEFTOVER, key, "not the bytes that were archived under this number", task_id, index)
        case AssetStatus.DEAD:
            return Finding(Kind.LEFTOVER, key, f"the image is dead: {asset.reason}", task_id, index)
        case AssetStatus.DELETED if asset.purged:
            return Finding(Kind.DELETED_BYTES, key, "the image was deleted", task_id, index)
        case AssetStatus.PENDING | AssetStatus.DELETED:
            return IN_MOTION  # about to be archived, or about to be purged

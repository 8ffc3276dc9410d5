"""Whether the catalog knows an object by its name. Pure: the bytes are looked at elsewhere."""

from typing import assert_never

from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.object_key import folder
from service.domain.place import Place
from service.upkeep.findings import Finding, Kind


def judged(key: str, place: Place | None, state: TaskState | None) -> Finding | None:
    """What is wrong with an object; `state` is that of the task that the place names, None when there is none.

    What is about to be archived or removed is not wrong.
    """
    if place is None or (not place.is_sidecar and place.index is None):
        return Finding(Kind.UNKNOWN_FILE, key, "a name that no image and no sidecar has")
    if state is None:
        what = "a sidecar" if place.is_sidecar else "an image"
        return Finding(Kind.UNKNOWN_TASK, key, f"{what} of a task that the catalog does not know", place.task_id)
    task = state.task
    if task.archive_date is None or folder(task.source, task.archive_date, task.id) != place.folder:
        return Finding(Kind.LEFTOVER, key, "in another folder than its task's", task.id)
    return None if place.index is None else _image(key, place.index, state)


def judged_thumbnail(key: str, image: Place, state: TaskState | None) -> Finding | None:
    """What is wrong with a thumbnail of an image: only that the image was deleted, and this shows it still."""
    index = image.index
    assert index is not None
    if state is None or index >= len(state.assets):
        return None
    asset = state.assets[index]
    if asset.status is not AssetStatus.DELETED or not asset.purged:
        return None
    return Finding(Kind.DELETED_BYTES, key, "the image that it shows was deleted", image.task_id, index)


def _image(key: str, index: int, state: TaskState) -> Finding | None:
    task_id = state.task.id
    if index >= len(state.assets):
        return Finding(Kind.LEFTOVER, key, "the task has no image of this number", task_id)
    asset = state.assets[index]
    match asset.status:
        case AssetStatus.ARCHIVED:
            if asset.stored is not None and asset.stored.object_key == key:
                return None
            return Finding(Kind.LEFTOVER, key, "not the bytes that were archived under this number", task_id, index)
        case AssetStatus.DEAD:
            return Finding(Kind.LEFTOVER, key, f"the image is dead: {asset.reason}", task_id, index)
        case AssetStatus.DELETED:
            deleted = Finding(Kind.DELETED_BYTES, key, "the image was deleted", task_id, index)
            return deleted if asset.purged else None
        case AssetStatus.PENDING:
            return None
        case _:
            assert_never(asset.status)

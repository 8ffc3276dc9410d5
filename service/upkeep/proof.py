"""Whether an object is a whole image that its name follows from: then it is what was archived under that name."""

from contextlib import aclosing

from service.archive.staged_file import StagedFile, staged_path
from service.domain.asset import Stored
from service.domain.attempt import Failed
from service.domain.object_key import asset_key
from service.domain.task import Task
from service.storage import ObjectStore

APPENDED_AT_ONCE = 4
"""Blocks for one visit to a thread."""


async def proven(store: ObjectStore, key: str, task: Task, index: int, *, max_pixels: int) -> Stored | None:
    """The stored image of a task's index, None when these bytes are not one. Raises StorageUnavailable."""
    blocks = await store.read(key)
    if blocks is None or task.archive_date is None:
        return None
    staged = StagedFile(staged_path(store.staging))
    try:
        waiting = [b""]  # an empty object makes a file too
        async with aclosing(blocks):
            async for block in blocks:
                waiting.append(block)
                if len(waiting) >= APPENDED_AT_ONCE:
                    await staged.append(waiting)
        await staged.append(waiting)
        image = await staged.finish(max_pixels=max_pixels)
    finally:
        staged.discard()
    if isinstance(image, Failed):
        return None
    named = asset_key(task.source, task.archive_date, task.id, index, staged.sha256, image.format)
    return Stored(key, staged.sha256, staged.size, image) if named == key else None

"""Names of stored bytes. They follow from the content, so writing twice is harmless and nothing is overwritten."""

import re
from datetime import date

from service.domain.image import ImageFormat

TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{3,127}")
"""Ids that may become a folder name; anything else is unreadable and never reaches a path."""

_EXTENSION = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.WEBP: "webp"}


def is_task_id(text: str) -> bool:
    return TASK_ID.fullmatch(text) is not None


def folder(source: str, day: date, task_id: str) -> str:
    """Where everything of one task lies; raises ValueError for an id that was not checked."""
    if not is_task_id(task_id):
        raise ValueError("a task id that cannot be a folder name")
    return f"{source}/{day:%Y/%m/%d}/{task_id}"


def asset_key(source: str, day: date, task_id: str, index: int, sha256: str, image_format: ImageFormat) -> str:
    return f"{folder(source, day, task_id)}/{index}-{sha256[:12]}.{_EXTENSION[image_format]}"


def sidecar_key(source: str, day: date, task_id: str) -> str:
    return f"{folder(source, day, task_id)}/task.json"

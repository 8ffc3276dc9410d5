"""What others are told of: kinds of events, who is told, and when to try again. Pure."""

from enum import StrEnum


class EventKind(StrEnum):
    """What happened; a closed set, and part of the public contract."""

    ASSET_ARCHIVED = "asset.archived"
    ASSET_DEAD = "asset.dead"
    TASK_SETTLED = "task.settled"

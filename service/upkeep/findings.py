"""What can be wrong with an archive: closed sets, and what is to be done about each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    MISSING = "missing"
    WRONG_SIZE = "wrong_size"
    WRONG_HASH = "wrong_hash"
    WRONG_KEY = "wrong_key"
    UNREADABLE = "unreadable"
    SIDECAR_MISSING = "sidecar_missing"
    SIDECAR_UNREADABLE = "sidecar_unreadable"
    SIDECAR_NEWER = "sidecar_newer"  # of a schema that this version does not know
    SIDECAR_STALE = "sidecar_stale"
    SIDECAR_AHEAD = "sidecar_ahead"
    SIDECAR_CONTRADICTS = "sidecar_contradicts"
    NO_SIDECAR = "no_sidecar"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_FILE = "unknown_file"
    LEFTOVER = "leftover"
    DELETED_BYTES = "deleted_bytes"
    STAGED = "staged"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `detail` says what, `done` what was done about it."""

    kind: Kind
    key: str  # of the object, or the path of a staged file
    detail: str
    task_id: str | None = None
    index: int | None = None
    done: str | None = None


_RESTORE = "put the file back from a backup"
_REFETCH = f"{_RESTORE}, or `darkroom verify --repair`: fetched again while its link works, else dead: lost"
_REWRITE = "`darkroom verify --repair` has it written again"
_BY_HAND = "look at it, and remove it by hand if nobody needs it"

TO_VERIFY: Mapping[Kind, str] = {
    Kind.MISSING: _REFETCH,
    Kind.WRONG_SIZE: _REFETCH,
    Kind.WRONG_HASH: f"{_REFETCH}; and look at the disk's health",
    Kind.WRONG_KEY: "the database was changed by another hand: restore it, or make it anew with `darkroom rebuild`",
    Kind.UNREADABLE: "see to the disk and to the file's owner and mode, then verify again",
    Kind.SIDECAR_MISSING: _REWRITE,
    Kind.SIDECAR_UNREADABLE: _REWRITE,
    Kind.SIDECAR_NEWER: "a newer version wrote it: run that version",
    Kind.SIDECAR_STALE: _REWRITE,
    Kind.SIDECAR_AHEAD: "the database is older than the archive: restore a newer one, or `darkroom rebuild` makes one",
    Kind.SIDECAR_CONTRADICTS: _REWRITE,
    Kind.UNKNOWN_TASK: "the database knows no such task: restore a newer one, or `darkroom rebuild` makes one",
    Kind.UNKNOWN_FILE: f"Darkroom did not put it there: {_BY_HAND}",
    Kind.LEFTOVER: f"no image of the catalog: {_BY_HAND}",
    Kind.DELETED_BYTES: "`darkroom verify --repair` removes them",
    Kind.STAGED: "left by a crash: the next start of `darkroom serve` removes it",
}
"""What to do about what `verify` finds; these are all that it can find."""

TO_EXPORT: Mapping[Kind, str] = {
    kind: TO_VERIFY[kind] for kind in (Kind.MISSING, Kind.WRONG_SIZE, Kind.WRONG_HASH, Kind.UNREADABLE)
}
"""What to do about what `export` finds; these are all that it can find."""

_LINKED = f"fetched again if it is pending now; if it is dead, {_RESTORE} and rebuild into a new database"

TO_REBUILD: Mapping[Kind, str] = {
    Kind.MISSING: _LINKED,
    Kind.WRONG_SIZE: _LINKED,
    Kind.WRONG_HASH: _LINKED,
    Kind.UNREADABLE: "see to the disk and to the file's owner and mode, then rebuild again",
    Kind.SIDECAR_UNREADABLE: f"{_RESTORE} and rebuild again: tasks that are there already are left as they are",
    Kind.SIDECAR_NEWER: "a newer version wrote it: rebuild with that version",
    Kind.NO_SIDECAR: "nothing tells of it: put its task.json back from a backup and rebuild again",
    Kind.UNKNOWN_FILE: TO_VERIFY[Kind.UNKNOWN_FILE],
    Kind.LEFTOVER: f"no image that its sidecar tells of: {_BY_HAND}",
}
"""What to do about what `rebuild` finds; these are all that it can find."""

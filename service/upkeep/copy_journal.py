"""How far a run of `copy` has come with the objects, and what it found, so that the next run goes on.

A file in the data directory. Rows need none: pages that are equal already are passed over. Lines are appended; a page
counts once its last line, the position, is whole. It is also the lock that lets one copy at a time work from here.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from service.errors import Conflict, SettingsError, Unavailable
from service.upkeep.findings import Finding, Kind

_SCHEMA = "darkroom/copy/1"


class CopyJournal:
    """An open journal; objects up to the key `after` were proven in the target. Made by `open_copy_journal`."""

    def __init__(self, file: BinaryIO, after: str) -> None:
        self._file = file
        self.after = after

    def note(self, findings: Sequence[Finding], after: str) -> None:
        """Keep a page: what was found, and where it ends. It outlives the process, not a power cut."""
        _append(self._file, [*({"finding": asdict(finding)} for finding in findings), {"after": after}])
        self.after = after


@contextmanager
def open_copy_journal(
    path: Path, *, ends: Mapping[str, str], found: Callable[[Finding], None] = lambda _: None
) -> Iterator[CopyJournal]:
    """The journal of an interrupted run between the same two places, else a new one; `found` hears what that had found.

    It is removed when the block ends well. Raises Conflict when another run has it, SettingsError when it cannot be
    made.
    """
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise SettingsError(f"DARKROOM_DATA_DIR: {path} cannot be written: {error.strerror}") from None
    with file:
        _lock(file)
        yield CopyJournal(file, _resumed(file, {"schema": _SCHEMA, **ends}, found))
        path.unlink(missing_ok=True)


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Conflict("copy_runs", "another `darkroom copy` is at work; wait for its end") from None


def _resumed(file: BinaryIO, header: Mapping[str, str], found: Callable[[Finding], None]) -> str:
    """Tell what whole pages found, cut off what comes after them, and return where they end."""
    end, after, waiting = 0, "", list[Finding]()
    for number, (at, document) in enumerate(_lines(file)):
        if number == 0 and document != header:
            break
        if "finding" in document:
            waiting.append(_finding(document["finding"]))
            continue
        for finding in waiting:
            found(finding)
        end, after, waiting = at, document.get("after", ""), []
    os.ftruncate(file.fileno(), end)
    if not end:
        _append(file, [header])
    return after


def _lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each whole line, and where it ends."""
    file.seek(0)
    at = 0
    for line in file:
        at += len(line)
        if line.endswith(b"\n"):
            yield at, json.loads(line)


def _finding(told: dict[str, Any]) -> Finding:
    return Finding(**{**told, "kind": Kind(told["kind"])})


def _append(file: BinaryIO, documents: Sequence[Mapping[str, Any]]) -> None:
    try:
        file.write(b"".join(json.dumps(document).encode() + b"\n" for document in documents))
        file.flush()
    except OSError as error:
        raise Unavailable(f"{file.name} cannot be written: {error.strerror}") from error

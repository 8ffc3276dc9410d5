"""How far a run of `verify` has come, and what it found, so that an interrupted one goes on.

A file in the data directory, not a mark in the database: verifying writes nothing there, so that it works beside any
server and with a database that takes no writes; and what was found before the interruption has to be kept as well.
Lines are appended; a page counts once its last line, the position, is whole.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from service.errors import Conflict, SettingsError, Unavailable
from service.upkeep.findings import Finding, Kind
from service.upkeep.row_check import Seen

_SCHEMA = "darkroom/verify/1"


class Phase(StrEnum):
    """What a run looks at, in this order."""

    ROWS = "rows"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Position:
    """After which row (its `seq`) or object (its key) a run goes on, and what it has seen."""

    phase: Phase = Phase.ROWS
    after: str = ""
    seen: Seen = field(default_factory=Seen)


class Journal:
    """An open journal; `position` is where to begin. Made by `open_journal`."""

    def __init__(self, file: BinaryIO, position: Position) -> None:
        self._file = file
        self.position = position

    def note(self, findings: Sequence[Finding], position: Position) -> None:
        """Keep a page: what was found, and where it ends. It outlives the process, not a power cut."""
        lines = [{"finding": asdict(finding)} for finding in findings]
        _append(self._file, [*lines, {"position": asdict(position)}])
        self.position = position


@contextmanager
def open_journal(
    path: Path, *, resume: bool, quick: bool, found: Callable[[Finding], None] = lambda _: None
) -> Iterator[Journal]:
    """A journal of a new run, or with `resume` of the interrupted one: `found` hears what it had found.

    It is removed when the block ends well. Raises Conflict when another run has it or when there is none to resume,
    SettingsError when it cannot be made.
    """
    if resume and not path.exists():
        raise _nothing_to_resume()
    try:
        file = path.open("a+b")
    except OSError as error:
        raise SettingsError(f"DARKROOM_DATA_DIR: {path} cannot be written: {error.strerror}") from None
    with file:
        _lock(file)
        position = _resumed(file, quick, found) if resume else _begun(file, quick)
        yield Journal(file, position)
        path.unlink(missing_ok=True)


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Conflict("verify_runs", "another `darkroom verify` is at work; wait for its end") from None


def _begun(file: BinaryIO, quick: bool) -> Position:
    os.ftruncate(file.fileno(), 0)
    _append(file, [_header(quick)])
    return Position()


def _resumed(file: BinaryIO, quick: bool, found: Callable[[Finding], None]) -> Position:
    """Tell what whole pages found, cut off what comes after them, and return where they end."""
    header, position, end = None, Position(), 0
    for at, document in _lines(file):
        if header is None:
            header, end = document, at
        elif "position" in document:
            position, end = _position(document["position"]), at
    if header != _header(quick):
        raise _nothing_to_resume()
    for at, document in _lines(file):
        if at < end and "finding" in document:
            found(_finding(document["finding"]))
    os.ftruncate(file.fileno(), end)
    return position


def _nothing_to_resume() -> Conflict:
    return Conflict("nothing_to_resume", "no run of this kind was interrupted: verify without --resume")


def _header(quick: bool) -> dict[str, Any]:
    return {"schema": _SCHEMA, "quick": quick}


def _lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each whole line, and where it ends."""
    file.seek(0)
    at = 0
    for line in file:
        at += len(line)
        if line.endswith(b"\n"):
            yield at, json.loads(line)


def _position(told: dict[str, Any]) -> Position:
    return Position(Phase(told["phase"]), told["after"], Seen(**told["seen"]))


def _finding(told: dict[str, Any]) -> Finding:
    return Finding(**{**told, "kind": Kind(told["kind"])})


def _append(file: BinaryIO, documents: Sequence[dict[str, Any]]) -> None:
    try:
        file.write(b"".join(json.dumps(document).encode() + b"\n" for document in documents))
        file.flush()
    except OSError as error:
        raise Unavailable(f"{file.name} cannot be written: {error.strerror}") from error

"""How far a run of `verify` has come, and what it found, so that an interrupted one goes on.

A file in the data directory, not a mark in the database: verifying writes nothing there, so that it works beside any
server and with a database that takes no writes; and what was found before the interruption has to be kept as well.
Lines are appended; a page counts once its last line, the position, is whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from service.errors import Conflict
from service.upkeep.findings import Finding
from service.upkeep.journal_file import JournalFile, finding_of, lines_of, open_file
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

    def __init__(self, file: JournalFile, position: Position) -> None:
        self._file = file
        self.position = position

    def note(self, findings: Sequence[Finding], position: Position) -> None:
        """Keep a page: what was found, and where it ends."""
        self._file.append(*lines_of(findings), {"position": asdict(position)})
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
    with open_file(path, command="verify") as file:
        yield Journal(file, _resumed(file, quick, found) if resume else _begun(file, quick))


def _begun(file: JournalFile, quick: bool) -> Position:
    file.cut_off(0)
    file.append(_header(quick))
    return Position()


def _resumed(file: JournalFile, quick: bool, found: Callable[[Finding], None]) -> Position:
    """Tell what whole pages found, cut off what comes after them, and return where they end."""
    header, position, end = None, Position(), 0
    for at, line in file.lines():
        if header is None:
            header, end = line, at
        elif "position" in line:
            position, end = _position(line["position"]), at
    if header != _header(quick):
        raise _nothing_to_resume()
    for at, line in file.lines():
        if at < end and (finding := finding_of(line)) is not None:
            found(finding)
    file.cut_off(end)
    return position


def _nothing_to_resume() -> Conflict:
    return Conflict("nothing_to_resume", "no run of this kind was interrupted: verify without --resume")


def _header(quick: bool) -> dict[str, Any]:
    return {"schema": _SCHEMA, "quick": quick}


def _position(told: dict[str, Any]) -> Position:
    return Position(Phase(told["phase"]), told["after"], Seen(**told["seen"]))

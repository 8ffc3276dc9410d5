"""The file in which a long run keeps how far it has come: lines of JSON, appended, and one run at a time has it.

It outlives the process, not a power cut. What the lines mean is for others to know.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from service.errors import Conflict, SettingsError, Unavailable
from service.upkeep.findings import Finding, Kind


class JournalFile:
    """An open file that nobody else has. Made by `open_file`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each whole line, and where it ends."""
        self._file.seek(0)
        at = 0
        for line in self._file:
            at += len(line)
            if line.endswith(b"\n"):
                yield at, json.loads(line)

    def append(self, *documents: Mapping[str, Any]) -> None:
        """Raises Unavailable where it cannot be written."""
        try:
            self._file.write(b"".join(json.dumps(document).encode() + b"\n" for document in documents))
            self._file.flush()
        except OSError as error:
            raise Unavailable(f"{self._file.name} cannot be written: {error.strerror}") from error

    def cut_off(self, end: int) -> None:
        """Remove what comes after a place."""
        os.ftruncate(self._file.fileno(), end)


@contextmanager
def open_file(path: Path, *, command: str) -> Iterator[JournalFile]:
    """The file, made where it is missing, and removed when the block ends well.

    Raises Conflict when another run of the command has it, SettingsError when it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise SettingsError(f"DARKROOM_DATA_DIR: {path} cannot be written: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"{command}_runs", f"another `darkroom {command}` is at work; wait for its end") from None
        yield JournalFile(file)
        path.unlink(missing_ok=True)


def lines_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """What was found, a line each."""
    return [{"finding": asdict(finding)} for finding in findings]


def finding_of(line: Mapping[str, Any]) -> Finding | None:
    """What was found, if the line tells of that."""
    told = line.get("finding")
    return Finding(**{**told, "kind": Kind(told["kind"])}) if told is not None else None

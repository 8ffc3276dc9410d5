"""How far a run of `copy` has come with the objects, and what it found, so that the next run goes on.

A file in the data directory. Rows need none: pages that are equal already are passed over. Lines are appended; a page
counts once its last line, the position, is whole. It is also the lock that lets one copy at a time work from here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from service.upkeep.findings import Finding
from service.upkeep.journal_file import JournalFile, finding_of, lines_of, open_file

_SCHEMA = "darkroom/copy/1"


class CopyJournal:
    """An open journal; objects up to the key `after` were proven in the target. Made by `open_copy_journal`."""

    def __init__(self, file: JournalFile, after: str) -> None:
        self._file = file
        self.after = after

    def note(self, findings: Sequence[Finding], after: str) -> None:
        """Keep a page: what was found, and where it ends."""
        self._file.append(*lines_of(findings), {"after": after})
        self.after = after


@contextmanager
def open_copy_journal(
    path: Path, *, ends: Mapping[str, str], found: Callable[[Finding], None] = lambda _: None
) -> Iterator[CopyJournal]:
    """The journal of an interrupted run between the same two places, else a new one; `found` hears what that had found.

    It is removed when the block ends well. Raises Conflict when another run has it, SettingsError when it cannot be
    made.
    """
    with open_file(path, command="copy") as file:
        yield CopyJournal(file, _resumed(file, {"schema": _SCHEMA, **ends}, found))


def _resumed(file: JournalFile, header: Mapping[str, str], found: Callable[[Finding], None]) -> str:
    """Tell what whole pages found, cut off what comes after them, and return where they end."""
    end, after, waiting = 0, "", list[Finding]()
    for number, (at, line) in enumerate(file.lines()):
        if number == 0 and line != header:
            break
        if (finding := finding_of(line)) is not None:
            waiting.append(finding)
            continue
        for one in waiting:
            found(one)
        end, after, waiting = at, line.get("after", ""), []
    file.cut_off(end)
    if not end:
        file.append(header)
    return after

"""An export into a file, which is whole or not there: written beside it, durably so far and so far, and then renamed.

Beside the unfinished file lies how far it has come, so that the next run goes on after a kill or a power cut.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from service.errors import Conflict, Unavailable
from service.storage.durable import FILE_MODE, sync_folder
from service.upkeep.export import Piece

KEPT_EVERY_BYTES, KEPT_EVERY_SECONDS = 64 * 2**20, 2.0
"""So much is done again after a kill, at most."""

IN_MEMORY_BYTES = 4 * 2**20

ENDS_OF_ZIP = (".directory", ".sums")
"""What a ZIP has to say at its end, gathered in files."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far an export has come: it goes on after a row, with so many gone through; `more` is the format's own."""

    after: int | None = None
    count: int = 0
    more: Mapping[str, Any] | None = None


class ExportFile:
    """The unfinished file, and those that end a ZIP. Made by `open_export_file`, blocks, raises Unavailable."""

    def __init__(
        self, path: Path, files: Mapping[str, IO[bytes]], asked: Mapping[str, Any], *, keep_every: tuple[float, float]
    ) -> None:
        self._path = path
        self._files = files
        self._asked = json.loads(json.dumps(asked))
        self._every_bytes, self._every_seconds = keep_every
        self._unkept, self._kept_at = 0, time.monotonic()
        self.position = self._restored()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._files[""].tell()

    @property
    def directory(self) -> IO[bytes]:
        return self._files[ENDS_OF_ZIP[0]]

    @property
    def sums(self) -> IO[bytes]:
        return self._files[ENDS_OF_ZIP[1]]

    def take(self, piece: Piece, more: Callable[[], Mapping[str, Any] | None]) -> None:
        """Write a piece, and keep where that is when enough has come to be worth a sync; `more` is the format's own."""
        with _told(self._path):
            self._files[""].write(piece.data)
        self._unkept += len(piece.data)
        due = self._unkept >= self._every_bytes or time.monotonic() - self._kept_at >= self._every_seconds
        if due and piece.after is not None and not piece.last:
            self._keep(Position(piece.after, piece.count, more()))

    def _keep(self, position: Position) -> None:
        """What was written so far is durable, and where the next run begins."""
        with _told(self._path):
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            sizes = {name: file.tell() for name, file in self._files.items()}
            kept = {"asked": self._asked, "sizes": sizes, "after": position.after, "count": position.count}
            _replace(self._state, json.dumps({**kept, "more": position.more}).encode())
        self._unkept, self._kept_at = 0, time.monotonic()

    def finish(self) -> None:
        """The file has its name, durably, and nothing else is left."""
        with _told(self._path):
            part = self._files[""]
            part.flush()
            os.fsync(part.fileno())
            if self._path.exists():
                raise Conflict("file_exists", f"{self._path} exists by now: remove it, and run this again")
            self._state.unlink(missing_ok=True)  # first: it must not outlive the file that it tells of
            os.rename(_beside(self._path, ""), self._path)
            sync_folder(self._path.parent)
            for name in ENDS_OF_ZIP:
                _beside(self._path, name).unlink(missing_ok=True)

    @property
    def _state(self) -> Path:
        return _beside(self._path, ".state")

    def _restored(self) -> Position:
        """Where the run before was at, and every file as it was then; of another export nothing is touched."""
        kept = json.loads(self._state.read_bytes()) if self._state.exists() else None
        sizes = {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}
        if kept is not None and kept["asked"] != self._asked:
            began = f"{_beside(self._path, '')} is the beginning of another export"
            raise Conflict("another_export", f"{began}: name another file, or remove {_beside(self._path, '*')}")
        if kept is not None and any(sizes[name] < size for name, size in kept["sizes"].items()):
            kept = None  # somebody removed what it tells of
        for name, file in self._files.items():
            file.truncate(kept["sizes"][name] if kept is not None else 0)
            file.seek(0, os.SEEK_END)
        return Position(kept["after"], kept["count"], kept["more"]) if kept is not None else Position()


@contextmanager
def open_export_file(
    path: Path,
    asked: Mapping[str, Any],
    *,
    is_zip: bool,
    keep_every: tuple[float, float] = (KEPT_EVERY_BYTES, KEPT_EVERY_SECONDS),
    lock: Callable[[IO[bytes], int], None] = fcntl.flock,
) -> Iterator[ExportFile]:
    """The file, anew or where the run before has left it, for this process alone; `asked` tells exports apart.

    Raises Conflict where the file exists, another run writes it, or another export has begun there, and Unavailable
    where it cannot be written.
    """
    with ExitStack() as opened:
        with _told(path):
            part = _locked(path, opened, lock)
            ends = {name: _opened(_beside(path, name), opened) for name in (ENDS_OF_ZIP if is_zip else ())}
            file = ExportFile(path, {"": part, **ends}, asked, keep_every=keep_every)
        yield file


@contextmanager
def ends_in_passing(folder: Path | None = None) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """What a ZIP has to say at its end, for one that nobody goes on with; in memory, and what is more in a folder."""
    where = str(folder) if folder is not None else None
    with (
        SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where) as directory,
        SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where) as sums,
    ):
        yield directory, sums


def _locked(path: Path, opened: ExitStack, lock: Callable[[IO[bytes], int], None]) -> IO[bytes]:
    """The unfinished file, for this process alone.

    Between its opening and its lock another run may have finished it: then it is whole by now, and is not touched.
    """
    beside = _beside(path, "")
    while not path.exists():
        file = _opened(beside, opened)
        try:
            lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("export_runs", f"another `darkroom export` writes {path}; wait for its end") from None
        if _is_at(beside, file) and not path.exists():
            return file
        _close(file)
    raise Conflict("file_exists", f"{path} exists already: remove it, or name another file")


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _opened(path: Path, opened: ExitStack) -> IO[bytes]:
    """For appending, and for reading what was appended."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    file = os.fdopen(descriptor, "a+b")
    opened.callback(_close, file)
    return file


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what has to be written was, or its failure was told
        file.close()


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.part{name}")


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    sync_folder(path.parent)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error

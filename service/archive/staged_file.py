"""A download on its way: a fresh file and the hash of what it holds. It must not know where the bytes come from.

Work on the file is done in threads, and a cancelled task does not stop its thread. So the file is closed and removed
under the same lock that a thread works under: never while a write goes on, when the descriptor might already be
another file's, and never missed because a thread created it late.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from threading import Lock

from service.archive.image_type import identify
from service.domain.attempt import Failed
from service.domain.image import Image
from service.errors import StorageUnavailable


def staged_path(folder: Path) -> Path:
    """A name of its own in `folder`."""
    return folder / f"{secrets.token_hex(16)}.part"


class StagedFile:
    """A file of this name, which is nobody else's; on disk from the first append until it is discarded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: FileIO | None = None
        self._lock = Lock()
        self._discarded = False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def append(self, parts: list[bytes]) -> None:
        """Write and hash in one visit to a thread, and empty the list. Raises StorageUnavailable."""
        await asyncio.to_thread(self.write, parts)

    async def finish(self, *, max_pixels: int) -> Image | Failed:
        """Close the file and say what it holds, in a thread. Raises StorageUnavailable."""
        return await asyncio.to_thread(self._finish, max_pixels)

    def discard(self) -> None:
        """Close and remove the file: at once, or by the thread that works on it, when that is done."""
        self._discarded = True
        self._remove_if_idle()

    def write(self, parts: list[bytes]) -> None:
        """Write and hash here and now, and empty the list. Raises StorageUnavailable."""
        with self._at_work():
            data = b"".join(parts)  # one long stretch without the interpreter's lock instead of many short ones
            parts.clear()
            if self._file is None:
                self._file = FileIO(self.path, "xb")
            self._digest.update(data)
            self.size += len(data)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]

    def _finish(self, max_pixels: int) -> Image | Failed:
        with self._at_work():
            if self._file is not None:
                self._file.close()
            with self.path.open("rb") as file:
                return identify(file, self.size, max_pixels)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Hold the file; a discard in the meantime is carried out at the end."""
        try:
            with self._lock:
                if self._discarded:
                    raise StorageUnavailable("the download was given up")  # nobody waits for this any more
                yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StorageUnavailable(f"cannot stage a download in {self.path.parent}: {reason}") from error
        finally:
            if self._discarded:
                self._remove_if_idle()

    def _remove_if_idle(self) -> None:
        """Does nothing while a thread holds the lock: that thread sees `_discarded` after it has let go."""
        if self._lock.acquire(blocking=False):
            try:
                with suppress(OSError):  # what cannot be removed is left for the sweep at the next start
                    if self._file is not None:
                        self._file.close()
                    self.path.unlink(missing_ok=True)
            finally:
                self._lock.release()

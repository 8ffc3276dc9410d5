"""A small disk of its own for the data directory, so that it can really be full. Needs root, and says so without."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = 1024 * 1024


class SmallDisk:
    """A folder, and whether it can be filled."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted
        self._ballast = folder / "ballast"

    def fill(self, leave: int) -> None:
        """Leave so many bytes free, all but rounding; nothing where the disk is everybody's."""
        if not self.mounted:
            return
        with self._ballast.open("wb") as file, contextlib.suppress(OSError):
            while (free := os.statvfs(self.folder)).f_bavail * free.f_frsize > leave:
                spare = free.f_bavail * free.f_frsize - leave
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, min(spare, 64 * BLOCK))

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a disk of this many bytes at a folder for as long as the block runs; the folder as it is without root."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "darkroom-chaos", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        mounted = False
    try:
        yield SmallDisk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)

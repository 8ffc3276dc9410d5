"""Durable changes to folders: nothing is done before it would survive a power cut. Blocking; for threads.

A name is durable when the folder that holds it was synced after the name was made (fsync(2)), and so on up to the root.
"""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750
"""Images are private: the owner writes, the group (a backup, a web server) may read, others may not."""

_KNOWN_AT_MOST = 1024
_TRIES = 20


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content durable and give it its mode; a symbolic link is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with suppress(PermissionError):  # a filesystem without modes, such as a network share
            os.fchmod(descriptor, FILE_MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_root(root: Path) -> None:
    """Make a folder and what is missing above it, durably."""
    if not root.is_dir():
        make_root(root.parent)
        try:
            root.mkdir(FOLDER_MODE)
        except FileExistsError:
            if not root.is_dir():
                raise
    with suppress(PermissionError):  # a folder above that we may not even read was not made by us
        sync_folder(root.parent)


class Folders:
    """The folders below a root. One lock makes it certain that a folder which is known is durable."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._known: set[Path] = set()

    def move_in(self, staged: Path, target: Path) -> None:
        """Give a synced file its final name, durably. A folder pruned in between is made again."""
        for left in reversed(range(_TRIES)):
            try:
                self._make(target.parent)
                os.replace(staged, target)
            except FileNotFoundError:
                if not left or not staged.exists():
                    self.prune(target.parent)  # it may have been made where the disk of the store is not mounted
                    raise
            else:
                break
        try:
            sync_folder(target.parent)
        except FileNotFoundError:
            if not staged.parent.is_dir():
                raise  # the whole store went away; otherwise deleted again, durably, by somebody who was allowed to

    def prune(self, folder: Path) -> None:
        """Remove a folder and those above it as far as they are empty; never the root."""
        with self._lock:
            while folder != self._root and folder.is_relative_to(self._root):
                self._known.discard(folder)
                try:
                    folder.rmdir()
                except OSError:
                    return  # not empty, or gone already
                folder = folder.parent

    def sync_above(self, path: Path) -> None:
        """Sync the nearest folder above a path that exists, so that the path's absence is durable."""
        for folder in path.parents:
            try:
                return sync_folder(folder)
            except (FileNotFoundError, NotADirectoryError):
                if folder == self._root:
                    raise
        return None

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, up to the root, which must exist: it may be a disk that is gone."""
        with self._lock:
            self._make_durable(folder)

    def _make_durable(self, folder: Path) -> None:
        """Most often only the last one is missing. Nothing is made in a folder whose own name may yet be lost."""
        if folder == self._root:
            return
        if folder.parent not in self._known:
            self._make_durable(folder.parent)
        try:
            folder.mkdir(FOLDER_MODE)
        except FileExistsError:
            if folder in self._known:
                return  # it is durable; otherwise somebody may have made it and not come to sync it
        except FileNotFoundError:
            if folder.parent == self._root:
                raise
            self._make_durable(folder.parent)
            with suppress(FileExistsError):  # another process was first
                folder.mkdir(FOLDER_MODE)
        self._sync_name(folder)
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known.add(folder)

    @staticmethod
    def _sync_name(folder: Path) -> None:
        """Sync the folder that holds a folder's name; where that fails, take the name back, to be made anew.

        The kernel reports a failed write once, and the next sync would succeed although the name was never written.
        """
        try:
            sync_folder(folder.parent)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            raise


def move_across(staged: Path, here: Path) -> None:
    """Copy a file from another filesystem, synced, and remove the original."""
    shutil.copyfile(staged, here, follow_symlinks=False)
    sync_file(here)
    staged.unlink()

"""What a power cut may leave: each file as it was when it was last synced, by the names of its folder's last sync.

It is the worst that POSIX allows where nothing that was not synced is kept: a file that never was is empty, a name that
was given or taken since is not or still there. Only the standard library, as `doorkeeper` is to cost little.
"""

import os
import stat


class Durable:
    """Follows the syncs below a folder; `build` makes what they have kept."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._held: dict[int, int] = {}  # open descriptors by inode, as its number would be given to another file
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}

    def sync(self, opened: str) -> None:
        """A file or folder is being synced; `opened` is a path below /proc that stands for its descriptor."""
        inode = self._hold(os.open(opened, os.O_RDONLY))
        descriptor = self._held[inode]
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._names[inode] = self._named_in(descriptor)
        else:
            self._content[inode] = os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def build(self, target: str) -> None:
        """Make the folder anew under another name, which must be free."""
        if os.path.isdir(self._root):
            self._build(os.stat(self._root).st_ino, target)
        else:
            os.mkdir(target)

    def _build(self, inode: int, target: str) -> None:
        mode = os.fstat(self._held[inode]).st_mode if inode in self._held else stat.S_IFDIR | 0o750
        if stat.S_ISDIR(mode):
            os.mkdir(target, stat.S_IMODE(mode))
            for name, child in self._names.get(inode, {}).items():
                self._build(child, f"{target}/{name}")
        else:
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(mode)), "wb") as file:
                file.write(self._content.get(inode, b""))

    def _named_in(self, folder: int) -> dict[str, int]:
        names = {}
        for name in os.listdir(folder):
            try:
                names[name] = self._hold(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder))
            except OSError:
                continue  # removed just now
        return names

    def _hold(self, descriptor: int) -> int:
        inode = os.fstat(descriptor).st_ino
        if inode in self._held:
            os.close(descriptor)
        else:
            self._held[inode] = descriptor
        return inode

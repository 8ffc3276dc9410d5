"""What every store needs of a local disk: its room, a clean staging folder, and what is wrong with it in words."""

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from service.errors import StorageUnavailable

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "raise the quota or free some space",
    errno.EROFS: "mount it writable",
    errno.EACCES: "give it to the user that runs this service",
    errno.EPERM: "give it to the user that runs this service",
    errno.ENOENT: "mount or restore it, and work goes on",
    errno.EIO: "look at the disk's health",
    errno.ELOOP: "symbolic links are not followed",
    errno.EXDEV: "staging and archive must be on one filesystem",
}


def disk_trouble(what: str, error: OSError, folder: Path) -> StorageUnavailable:
    """What is wrong with a folder, and what to do about it."""
    advice = _ADVICE.get(error.errno or 0)
    reason = f"{error.strerror or error} in {folder}"
    return StorageUnavailable(f"{what} cannot be used: {reason}{f'; {advice}' if advice else ''}")


def cleaned(folder: Path, names: str = "*", *, older_than: float = 0.0) -> int:
    """Remove what a crash left behind so many seconds ago, and say how many files; a folder not there holds none."""
    if not folder.is_dir():
        return 0
    removed = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # whoever it was of has finished with it
            if path.match(names) and time.time() - path.stat(follow_symlinks=False).st_mtime >= older_than:
                path.unlink()
                removed += 1
    return removed


def room(folder: Path, staging: Path) -> int:
    """Bytes that are free below a folder. Raises OSError when it, or the staging folder in it, takes no writes."""
    found = os.statvfs(folder)
    if found.f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    if not os.access(staging, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    no_inodes = found.f_files > 0 and found.f_favail == 0
    return 0 if no_inodes else found.f_bavail * found.f_frsize

"""A disk of a few MiB that can be filled, made read-only, and taken away. Only root can have one."""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

REMOUNTED_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted tmpfs."""

    path: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave: int = 0) -> None:
        """Fill it but for so many bytes; 0 is to the last."""
        size = max(0, self.free - leave)
        with contextlib.suppress(OSError), (self.path / "ballast").open("ab", buffering=0) as ballast:
            while size > 0:  # somebody else may take the last bytes meanwhile
                size -= ballast.write(bytes(min(size, 1 << 20)))

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.path / "ballast").unlink()

    def remount(self, how: str) -> None:
        """Once no file on it is open for writing, as a sidecar may be just now."""
        deadline = time.monotonic() + REMOUNTED_WITHIN
        command = ["mount", "-o", f"remount,{how}", str(self.path)]
        while (done := subprocess.run(command, check=False, capture_output=True)).returncode:
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.05)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.path], check=True)


def mounted(path: Path, mebibytes: int) -> SmallDisk | None:
    """A small disk at a path, or None where we may not mount."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0750", "tmpfs", str(path)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except FileNotFoundError:
        return None
    return SmallDisk(path) if done.returncode == 0 else None

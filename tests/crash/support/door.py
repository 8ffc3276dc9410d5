"""What a server's doorkeeper is told and tells: the command before the server's own, and the calls that it saw."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.crash.support.calls import SYNCS, this_machine

_ROOT = Path(__file__).parents[3]
_RUN = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from tests.crash.support.doorkeeper import main; main()"

DATABASE = "darkroom.db"


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as it began: `at` by the machine's monotonic clock in seconds; `verdict` is go, failed or killed."""

    at: float
    thread: str
    name: str
    verdict: str
    paths: tuple[str, ...]

    @property
    def is_sync(self) -> bool:
        return self.name in SYNCS

    @property
    def kind(self) -> str:
        """The call and the sort of file, without what differs from run to run."""
        return f"{self.name} {' to '.join(_sort(path) for path in self.paths)}"

    @property
    def makes_durable(self) -> bool:
        """Whether it is a sync of the database that was let go on."""
        return self.is_sync and self.verdict == "go" and self.paths[0].startswith(DATABASE)


def _sort(path: str) -> str:
    name = path.rpartition("/")[2]
    if "/.staging/" in path:
        return "download" if name.endswith(".part") else "staged file"
    if path.startswith("archive/evolink/"):
        return "sidecar" if name == "task.json" else "image" if name[:1].isdigit() and "-" in name else "folder"
    return "probe" if name.startswith(".probe") else name


def before(
    out: Path, root: Path, *, fail: int = 0, lasting: float = 0.0, kill: int = 0, left: Path | None = None
) -> tuple[str, ...]:
    """The command to put before a server's, which works below `root`.

    The sync with number `fail` ends with EIO, and so do all that begin within `lasting` seconds after it; the server is
    killed when it comes to the call with number `kill`. Numbers count from 1, and 0 is none. With
    `left`, the server's end stands for a power cut: what would be left of `root` is made there.
    """
    numbers = ("--fail", str(fail), "--lasting", str(lasting), "--kill", str(kill))
    place = ("--root", str(root), "--out", str(out), "--left", str(left or ""))
    return (sys.executable, "-S", "-c", _RUN, *place, *numbers, "--")


def seen(out: Path) -> list[Seen]:
    """The calls in the order in which they began."""
    lines = (
        [line.split("\t") for line in out.read_text("utf-8", "surrogateescape").splitlines()] if out.exists() else []
    )
    return [Seen(float(at), thread, name, verdict, tuple(paths)) for at, thread, name, verdict, *paths in lines]


def why_no_door(folder: Path) -> str | None:
    """Why this machine cannot hold system calls up, or None when it can."""
    if sys.platform != "linux" or this_machine() is None:
        return "it takes Linux on x86_64 or aarch64 to hold system calls up"
    out, probe = folder / "probe.calls", folder / "probe"
    command = [*before(out, folder), sys.executable, "-S", "-c", f"open({str(probe)!r}, 'w').close()"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    if done.returncode == 0 and any(probe.name in one.paths for one in seen(out)):
        return None
    return f"system calls cannot be held up here: {done.stderr.strip().rpartition(chr(10))[2]}"

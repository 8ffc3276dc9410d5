"""The service in a container of the image that DARKROOM_TEST_IMAGE names, run as a cluster does: read-only, no rights.

The folders of a test keep their paths inside, so that what it wrote there, and what it reads, is the same.
"""

import itertools
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

IMAGE = os.environ.get("DARKROOM_TEST_IMAGE")
USER = 10001

PODMAN = ("podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc")
LIMITS = ("--ulimit", "nofile=8192:8192", "--ulimit", "nproc=4096:4096")
"""Where podman would ask for more than it may give, as on machines that are containers themselves."""

RESTRICTED = (
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--network", "host", "--pull", "never", "--no-healthcheck"),
)
FILES = ("TLS__CA_FILE", "SERVER__TLS_CERT", "SERVER__TLS_KEY")
"""Settings that name files of the test; their folders are there to be read."""

_numbers = itertools.count()


def new_name() -> str:
    """The name of a container, one that no other test process takes."""
    return f"darkroom-test-{os.getpid()}-{next(_numbers)}"


def command(image: str, name: str, arguments: Sequence[str], folder: Path, settings: Mapping[str, str]) -> list[str]:
    """The command line that runs `darkroom` with these arguments; it ends when the container does."""
    give(folder)
    whole = folder.parent  # the services of a test lie side by side
    shown = {path.parent for one in FILES if (path := Path(settings.get(one, ""))).is_absolute() and path.exists()}
    for one in shown:
        _let_read(one)
    whole.chmod(0o755)
    outside = sorted(one for one in shown if not one.is_relative_to(whole))
    mounts = [f"{whole}:{whole}", *(f"{one}:{one}:ro" for one in outside)]
    return [
        *(*PODMAN, "run", "--rm", "--name", name, *LIMITS, *RESTRICTED, "--workdir", str(folder)),
        *(word for mount in mounts for word in ("--volume", mount)),
        *("--env", "DARKROOM_SERVER__HOST=127.0.0.1"),
        *(word for key in settings for word in ("--env", f"DARKROOM_{key}")),
        *(image, *arguments),
    ]


def give(folder: Path) -> None:
    """Make everything in a folder the container's user's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)


def kill(name: str) -> None:
    """End a container at once; one that has ended is no error."""
    subprocess.run([*PODMAN, "kill", "--signal", "KILL", name], check=False, capture_output=True, timeout=30)


def _let_read(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644 if path.is_file() else 0o755)

"""System calls of the service as strace saw them: callbacks received, files synced, answers written, in their order."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>.*)")
_SYNC = re.compile(r"f(?:data)?sync\(\d+<(?P<path>[^>]+)>(?P<rest>.*)")
_RECEIVED = re.compile(r'(?:read|recvfrom)\(\d+<(?P<socket>socket:[^>]+)>, "POST /callbacks/')
_RECEIVED_LATER = re.compile(r'<\.\.\. (?:read|recvfrom) resumed> ?"POST /callbacks/')
_BEGUN = re.compile(r"(?:read|recvfrom)\(\d+<(?P<socket>socket:[^>]+)>.*<unfinished")
_ANSWERED = re.compile(r'(?:write|sendto|writev|sendmsg)\(\d+<(?P<socket>socket:[^>]+)>,.*"HTTP/1\.1 202')


class Step(Enum):
    RECEIVED = "received"
    SYNC_BEGUN = "sync begun"
    SYNCED = "synced"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Event:
    """One step; `on` is the socket of a callback, or the path of a file."""

    step: Step
    on: str


def why_no_trace(folder: Path) -> str | None:
    """Why this machine cannot trace, or None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run([*prefix(folder / "probe"), "true"], check=False, capture_output=True, text=True, timeout=20)
    return None if done.returncode == 0 else f"strace may not trace here: {done.stderr.strip()}"


def prefix(output: Path) -> tuple[str, ...]:
    """The command to put before another one; the traced process keeps the place of a child, so signals reach it."""
    calls = "trace=fsync,fdatasync,read,recvfrom,write,sendto,writev,sendmsg"
    return ("strace", "-D", "-f", "-y", "-s", "32", "-e", calls, "-e", "signal=none", "-o", str(output))


def events(output: Path) -> list[Event]:
    """What happened, in order. A call that another thread interrupted shows as two lines, and ends at the second."""
    found: list[Event] = []
    pending: dict[str, str] = {}
    for line in output.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if match is not None:
            found += _read(match["pid"], match["call"], pending)
    return found


def _read(pid: str, call: str, pending: dict[str, str]) -> list[Event]:
    if sync := _SYNC.match(call):
        begun = Event(Step.SYNC_BEGUN, sync["path"])
        if "<unfinished" in sync["rest"]:
            pending[pid] = sync["path"]
            return [begun]
        return [begun, Event(Step.SYNCED, sync["path"])] if sync["rest"].endswith("= 0") else [begun]
    if "sync resumed>" in call:
        return [Event(Step.SYNCED, pending.pop(pid))] if call.endswith("= 0") else []
    if received := _RECEIVED.match(call):
        return [Event(Step.RECEIVED, received["socket"])]
    if begun_reading := _BEGUN.match(call):
        pending[pid] = begun_reading["socket"]
        return []
    if _RECEIVED_LATER.match(call):
        return [Event(Step.RECEIVED, pending.pop(pid))]
    if answered := _ANSWERED.match(call):
        return [Event(Step.ANSWERED, answered["socket"])]
    return []

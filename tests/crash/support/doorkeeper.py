"""A command: runs a server and stands before its writing system calls, over all its threads, as `strace -D` would.

Each call that changes a file below a folder is written down when it begins, and counted, those of the server's own
processes too. Calls from a certain number on can be made to fail, or the server is killed when that one comes. strace
cannot do this: it counts the calls of each thread by themselves. The means is seccomp's notification (Linux 5.5): a
thread stands still until it is answered.
Only the standard library, so that it costs little.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from tests.crash.support.calls import SYNCS, WRITES, Call, filter_for, this_machine
from tests.crash.support.power_cut import Durable

_PR_SET_NO_NEW_PRIVS, _PR_SET_PTRACER, _ANYBODY = 38, 0x59616D61, ctypes.c_ulong(-1)
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_GO_ON = 1
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=Qqii")
_CURRENT_FOLDER = -100
_LONGEST_PATH = 4096
_LET_GO = "go"

STEPS_OF_A_RUN = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that stands before the door; `thread` is a thread's id."""

    id: int
    thread: int
    call: Call
    arguments: tuple[int, ...]

    def paths(self) -> Iterator[str]:
        """Full names of the files it is about; raises OSError when the thread is gone."""
        if self.call.descriptor is not None:
            yield os.readlink(self.opened)
        for name, folder in self.call.paths:
            path = self._text(self.arguments[name])
            yield path if path.startswith("/") else f"{self._folder(folder)}/{path}"

    @property
    def opened(self) -> str:
        """A path that stands for its descriptor."""
        assert self.call.descriptor is not None
        return f"/proc/{self.thread}/fd/{self._int(self.call.descriptor)}"

    def _folder(self, argument: int | None) -> str:
        number = _CURRENT_FOLDER if argument is None else self._int(argument)
        return os.readlink(f"/proc/{self.thread}/{'cwd' if number == _CURRENT_FOLDER else f'fd/{number}'}")

    def _int(self, argument: int) -> int:
        return ctypes.c_int(self.arguments[argument] & 0xFFFFFFFF).value

    def _text(self, address: int) -> str:
        with open(f"/proc/{self.thread}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(_LONGEST_PATH).partition(b"\0")[0].decode("utf-8", "surrogateescape")


@dataclass(slots=True)
class Doorkeeper:
    """Counts and answers. `fail` is the number of a sync, `kill` of a step, 0 for none; `lasting` is in seconds.

    With `left`, the folder as a power cut would leave it is made there when the server ends.
    """

    root: str
    server: int
    out: int
    fail: int = 0
    lasting: float = 0.0
    kill: int = 0
    calls: int = 0
    syncs: int = 0
    failing_until: float = 0.0
    runs: dict[int, tuple[str, int]] = field(default_factory=dict)
    durable: Durable | None = None
    left: str = ""

    def answer(self, asked: Asked) -> int | None:
        """The error that the call ends with, 0 to let it go on; None when there is nobody left to answer."""
        try:
            paths = [path for path in asked.paths() if path == self.root or path.startswith(f"{self.root}/")]
        except OSError:
            return 0
        if not paths or not self._is_step(asked, paths):
            return 0
        self.calls += 1
        self.syncs += asked.call.name in SYNCS
        if self.calls == self.kill:
            self._note(asked, paths, "killed")
            os.kill(self.server, signal.SIGKILL)
            with suppress(ProcessLookupError):  # a process of the server's would stand before the door for ever
                os.kill(asked.thread, signal.SIGKILL)
            self.cut_power()
            return None
        if asked.call.name in SYNCS and self._fails():
            self._note(asked, paths, "failed")
            return errno.EIO
        if asked.call.name in SYNCS and self.durable is not None:
            self.durable.sync(asked.opened)
        self._note(asked, paths, _LET_GO)
        return 0

    def cut_power(self) -> None:
        """Make what is left, once; it gets its name when it is whole."""
        if self.durable is not None:
            self.durable.build(f"{self.left}.part")
            os.rename(f"{self.left}.part", self.left)
            self.durable = None

    def _is_step(self, asked: Asked, paths: list[str]) -> bool:
        """Whether a kill here finds another state than one at the call before, or at the next one that counts.

        Of a run of writes by one thread to one file the first two count: what follows only makes the torn end longer,
        and the whole run is seen by the call after it. A folder that is there already is not made.
        """
        run = self.runs.pop(asked.thread, ("", 0))
        if asked.call.name in WRITES:
            length = run[1] + 1 if run[0] == paths[0] else 1
            self.runs[asked.thread] = (paths[0], length)
            return length <= STEPS_OF_A_RUN
        return asked.call.name not in ("mkdir", "mkdirat") or not os.path.isdir(paths[0])

    def _fails(self) -> bool:
        if self.syncs == self.fail:
            self.failing_until = time.monotonic() + self.lasting
        return self.syncs == self.fail or time.monotonic() < self.failing_until

    def _note(self, asked: Asked, paths: list[str], verdict: str) -> None:
        """One line: when, thread, call, what became of it, and the files below the folder."""
        names = [path.removeprefix(self.root).lstrip("/") or "." for path in paths]
        line = "\t".join([repr(time.monotonic()), str(asked.thread), asked.call.name, verdict, *names])
        os.write(self.out, f"{line}\n".encode())


def main() -> None:
    """Become the server, with the doorkeeper as a process that nobody waits for."""
    wish = _arguments()
    machine = this_machine()
    assert machine is not None, "asked for on a machine that is not known"
    server, (ours, theirs) = os.getpid(), socket.socketpair()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.setsid()
            ours.close()
            _keep(theirs, wish, server)
        os._exit(0)
    os.waitpid(child, 0)
    theirs.close()
    socket.send_fds(ours, [b"."], [_listener(machine.seccomp, filter_for(machine))])
    assert ours.recv(1) == b".", "the doorkeeper is not there"
    os.execvp(wish.command[0], wish.command)


def _listener(seccomp: int, program: bytes) -> int:
    """Install the filter for this process for ever; the descriptor by which its calls are answered."""
    libc = ctypes.CDLL(None, use_errno=True)
    # where Yama is, it would forbid the doorkeeper to read names; elsewhere this fails and is not needed
    libc.prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    lines = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(lines))
    listener: int = libc.syscall(seccomp, _SET_MODE_FILTER, _NEW_LISTENER, header)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp does not notify here")
    return listener


def _keep(connection: socket.socket, wish: argparse.Namespace, server: int) -> None:
    """Answer until the server is gone."""
    machine = this_machine()
    assert machine is not None, "asked for on a machine that is not known"
    _, [listener], _, _ = socket.recv_fds(connection, 1, 1)
    out = os.open(wish.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    root = os.path.realpath(wish.root)
    keeper = Doorkeeper(root, server, out, wish.fail, wish.lasting, wish.kill)
    if wish.left:
        keeper.durable, keeper.left = Durable(root), wish.left
    connection.sendall(b".")
    connection.close()
    ready = select.poll()
    ready.register(listener, select.POLLIN)
    while all(not events & select.POLLHUP for _, events in ready.poll()):
        with suppress(OSError):  # ENOENT: the thread is gone, or was called away and asks again
            asked = _receive(listener, machine.calls)
            error = keeper.answer(asked)
            if error is not None:
                fcntl.ioctl(listener, _SEND, _ANSWER.pack(asked.id, 0, -error, 0 if error else _GO_ON))
    keeper.cut_power()


def _receive(listener: int, calls: dict[int, Call]) -> Asked:
    notification = bytearray(_NOTIFICATION.size)
    fcntl.ioctl(listener, _RECEIVE, notification)
    number, thread, _, call, _, _, *arguments = _NOTIFICATION.unpack(notification)
    return Asked(number, thread, calls[call], tuple(arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--fail", type=int, default=0)
    parser.add_argument("--lasting", type=float, default=0.0)
    parser.add_argument("--kill", type=int, default=0)
    parser.add_argument("--left", default="")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()

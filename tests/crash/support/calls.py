"""The system calls by which a process changes files, for seccomp: their numbers, which arguments name the file, and a
filter that lets all others pass untouched.

Only the standard library, as `doorkeeper` is to cost little.
"""

import platform
import struct
from dataclasses import dataclass

SYNCS = frozenset({"fsync", "fdatasync"})
WRITES = frozenset({"write", "pwrite64"})

O_CREAT = 0o100
_NO_FLAGS = -1

_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_LOAD, _EQUAL, _SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16


@dataclass(frozen=True, slots=True)
class Call:
    """A system call; numbers count its arguments from 0.

    `descriptor` is the one that is an open file; `paths` are those that are names, each with the argument of the folder
    that a relative one is in (None: the current one). With `flags`, only calls whose argument of that number has
    O_CREAT are of interest.
    """

    name: str
    number: int
    descriptor: int | None = None
    paths: tuple[tuple[int, int | None], ...] = ()
    flags: int = _NO_FLAGS


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture as seccomp knows it (AUDIT_ARCH_*), the number of seccomp(2), and its calls by their number."""

    audit: int
    seccomp: int
    calls: dict[int, Call]


def _at(fsync: int, fdatasync: int, write: int, pwrite: int, ftruncate: int, at: tuple[int, ...]) -> list[Call]:
    """The calls that every architecture has; `at` numbers openat, mkdirat, linkat, unlinkat, renameat, renameat2."""
    openat, mkdirat, linkat, unlinkat, renameat, renameat2 = at
    both = ((1, 0), (3, 2))
    return [
        Call("fsync", fsync, descriptor=0),
        Call("fdatasync", fdatasync, descriptor=0),
        Call("write", write, descriptor=0),
        Call("pwrite64", pwrite, descriptor=0),
        Call("ftruncate", ftruncate, descriptor=0),
        Call("openat", openat, paths=((1, 0),), flags=2),
        Call("mkdirat", mkdirat, paths=((1, 0),)),
        Call("linkat", linkat, paths=both),
        Call("unlinkat", unlinkat, paths=((1, 0),)),
        Call("renameat", renameat, paths=both),
        Call("renameat2", renameat2, paths=both),
    ]


_OLD = [
    Call("open", 2, paths=((0, None),), flags=1),
    Call("mkdir", 83, paths=((0, None),)),
    Call("rmdir", 84, paths=((0, None),)),
    Call("link", 86, paths=((0, None), (1, None))),
    Call("unlink", 87, paths=((0, None),)),
    Call("rename", 82, paths=((0, None), (1, None))),
]
_X86_64 = [*_at(74, 75, 1, 18, 77, (257, 258, 265, 263, 264, 316)), *_OLD]
_ARM64 = _at(82, 83, 64, 68, 46, (56, 34, 37, 35, 38, 276))

_MACHINES = {
    "x86_64": Machine(0xC000003E, 317, {call.number: call for call in _X86_64}),
    "aarch64": Machine(0xC00000B7, 277, {call.number: call for call in _ARM64}),
}


def this_machine() -> Machine | None:
    """What is known of the architecture that this runs on."""
    return _MACHINES.get(platform.machine())


def filter_for(machine: Machine) -> bytes:
    """A seccomp filter in classic BPF that asks the supervisor about the machine's calls."""
    program = [_line(_LOAD, _ARCHITECTURE_AT), _line(_EQUAL, machine.audit, 1, 0), _line(_RETURN, _ALLOW)]
    for call in machine.calls.values():
        program += [_line(_LOAD, _NUMBER_AT)]
        if call.flags == _NO_FLAGS:
            program += [_line(_EQUAL, call.number, 0, 1), _line(_RETURN, _NOTIFY)]
        else:
            program += [_line(_EQUAL, call.number, 0, 3), _line(_LOAD, _ARGUMENTS_AT + 8 * call.flags)]
            program += [_line(_SET, O_CREAT, 0, 1), _line(_RETURN, _NOTIFY)]
    return b"".join([*program, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, on_true: int = 0, on_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, on_true, on_false, value)

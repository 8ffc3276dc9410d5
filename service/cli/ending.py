"""How a command has the process, and leaves it: with its exit code, whatever threads of libraries are still at."""

import gc
import os
import sys
from typing import NoReturn

from service.cli.group import main

FRESH_OBJECTS = 50_000
"""Objects more than before that the cycle collector looks through at once. Nearly all of ours end without it; Python's
700 cost callbacks a tenth of their time, and a start a twentieth."""


def run() -> NoReturn:
    """The command line as a program."""
    gc.set_threshold(FRESH_OBJECTS)
    try:
        main(prog_name="darkroom")
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
    leave(0)


def leave(code: int) -> NoReturn:
    """End the process.

    Where a bucket's client was made, without taking the interpreter down first: a thread of the client that comes back
    to it meanwhile ends the process by a signal instead (seen as SIGABRT and SIGSEGV with requests under way).
    """
    bucket = sys.modules.get("service.storage.bucket")  # imported by who needs it: it takes a while
    if bucket is None or not bucket.clients_made():
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 1  # nobody reads what was said
    os._exit(code)

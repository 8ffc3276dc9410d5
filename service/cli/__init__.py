"""The command line. Each command reads settings, calls one thing, and turns errors into one line and an exit code.

Exit codes: 0 done · 1 it did not work out (and says why) · 2 wrong usage or a wrong setting · 130 interrupted.
"""

from service.cli.ending import run
from service.cli.group import main

__all__ = ["main", "run"]

"""The command line. Each command reads settings, calls one thing, and turns errors into one line and an exit code.

Exit codes: 0 done · 1 it did not work out (and says why) · 2 wrong usage or a wrong setting · 130 interrupted.
"""

from service.cli import catching_up, inbox, serving, tasks, trial, upkeep
from service.cli.group import main

__all__ = ["catching_up", "inbox", "main", "serving", "tasks", "trial", "upkeep"]

"""Commands in this process, in a folder of their own where no `.env` lies; the log is as before in the end."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
from click.testing import CliRunner, Result

from service.cli import main

Run = Callable[..., Result]
"""Runs a command: its words, and settings by their names without prefix."""


@contextlib.contextmanager
def commands_in(folder: Path, **usual: str) -> Iterator[Run]:
    """Commands that keep everything below a folder, with these settings unless a test gives others."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def command(*arguments: str, **settings: str) -> Result:
        given = {"DATA_DIR": str(folder / "data"), **usual, **settings}
        with contextlib.chdir(folder):
            environment = {f"DARKROOM_{name}": value for name, value in given.items()}
            return CliRunner().invoke(main, list(arguments), env=environment)

    yield command
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()

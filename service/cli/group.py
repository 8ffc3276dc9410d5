"""What every command shares: the group, how expected errors are said, and how results are printed."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from typing import Any, NoReturn, ParamSpec

import click

from service.domain.audit import Actor, command_of
from service.errors import DarkroomError, SettingsError
from service.observability import configure_logging
from service.provider.payload import storable

P = ParamSpec("P")

USAGE_ERROR = 2

MODULES = {
    "callback-url": "tasks",
    "copy": "moving",
    "demo": "trial",
    "doctor": "serving",
    "healthcheck": "serving",
    "key": "keys",
    "migrate": "serving",
    "rebuild": "upkeep",
    "reconcile": "catching_up",
    "register": "tasks",
    "replay": "inbox",
    "retry": "catching_up",
    "revoke": "inbox",
    "serve": "serving",
    "simulator": "trial",
    "submit": "submitting",
    "verify": "upkeep",
}
"""Where each command is."""


class Commands(click.Group):
    """Imports a command's module when it is asked for: some need a second of libraries, a healthcheck hardly any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in MODULES:
            import_module(f"service.cli.{MODULES[cmd_name]}")
        return super().get_command(ctx, cmd_name)


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with one line."""
    click.echo(message, err=True)
    sys.exit(code)


def said_plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Expected errors end a command with one line instead of a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SettingsError as error:
            fail(str(error), USAGE_ERROR)
        except DarkroomError as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("interrupted", 130)

    return wrapped


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="darkroom", prog_name="darkroom")
def main() -> None:
    """Darkroom keeps the images that an image API hands out for a day only."""
    configure_logging()  # to standard error, so that standard output is results only


def tags_from(pairs: Sequence[str]) -> dict[str, str]:
    """Labels as `--tag K=V` gives them."""
    tags = {}
    for pair in pairs:
        name, equals, value = storable(pair).partition("=")
        if not name or not equals:
            raise click.UsageError(f"--tag takes K=V, got {pair!r}")
        tags[name] = value
    return tags


def text(argument: str | None) -> str | None:
    """An argument as text: a shell can pass bytes that are none."""
    return storable(argument) if argument is not None else None


def operator() -> Actor:
    """Who runs the command, for the audit trail; a container may have no name for its user."""
    try:
        return command_of(getpass.getuser())
    except (KeyError, OSError):
        return command_of(str(os.getuid()))


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2))

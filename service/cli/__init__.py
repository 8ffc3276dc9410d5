"""The command line. Each command reads settings, calls one thing, and turns errors into one line and an exit code.

Exit codes: 0 done · 1 it did not work out (and says why) · 2 wrong usage or a wrong setting · 130 interrupted.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

import click
from rich.console import Console

from service import bootstrap
from service.doctor import Finding, examine
from service.errors import DarkroomError, SettingsError
from service.intake.minting import LONGEST_LIFE, Wish, mint
from service.intake.register import Told, register
from service.observability import configure_logging
from service.provider.payload import storable
from service.settings import load_settings
from service.simulator.faults import KINDS, parse_faults
from service.simulator.options import SimulatorOptions
from service.simulator.server import serve as run_simulator

P = ParamSpec("P")

_FILE = click.Path(path_type=Path)

USAGE_ERROR = 2


def _fail(message: str, code: int = 1) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


def _said_plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Expected errors end a command with one line instead of a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SettingsError as error:
            _fail(str(error), USAGE_ERROR)
        except DarkroomError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("interrupted", 130)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="darkroom", prog_name="darkroom")
def main() -> None:
    """Darkroom keeps the images that an image API hands out for a day only."""
    configure_logging()  # to standard error, so that standard output is results only


@main.command()
@click.option("--roles", help="Parts to run, separated by commas (receiver, archiver, reconciler, api).")
@_said_plainly
def serve(roles: str | None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    from service.serve import serve as run

    given: dict[str, Any] = {"roles": roles} if roles else {}
    run(load_settings(**given))


@main.command("callback-url")
@click.option("--ref", help="Your own reference; the task and its images carry it.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A label; may be repeated.")
@click.option("--task-id", help="Bind the URL to one task.")
@click.option("--expires-in", type=click.IntRange(1, LONGEST_LIFE), metavar="SECONDS", help="Let the URL end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_said_plainly
def callback_url(
    ref: str | None, tags: Sequence[str], task_id: str | None, expires_in: int | None, as_json: bool
) -> None:
    """Print a signed callback URL to submit with a task."""
    settings = load_settings()
    wish = Wish(_text(ref), _tags(tags), task_id, expires_in)
    with bootstrap.open_catalog(settings) as catalog:
        minted = asyncio.run(
            mint(
                wish,
                catalog=catalog,
                signer=bootstrap.token_signer(settings),
                public_url=settings.public_url,
                now=datetime.now(UTC),
            )
        )
    if as_json:
        _print_json({"id": minted.id, "callback_url": minted.callback_url, "warnings": list(minted.warnings)})
        return
    click.echo(minted.callback_url)
    for warning in minted.warnings:
        click.echo(f"note: {warning}", err=True)


@main.command("register")
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID...")
@click.option("--prompt", help="What was asked for.")
@click.option("--ref", help="Your own reference.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A label; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_said_plainly
def register_tasks(
    task_ids: Sequence[str], prompt: str | None, ref: str | None, tags: Sequence[str], as_json: bool
) -> None:
    """Tell of tasks that run at the provider."""
    labels = _tags(tags)

    async def tell(task_id: str) -> dict[str, Any]:
        told = Told(task_id, prompt=_text(prompt), ref=_text(ref), tags=labels)
        registered = await catalog.write(partial(register, told=told))
        return {"id": task_id, "status": registered.state.task.status.value, "new": registered.new}

    with bootstrap.open_catalog(load_settings()) as catalog:
        for task_id in task_ids:
            found = asyncio.run(tell(task_id))
            if as_json:
                _print_json(found)
            else:
                click.echo(f"{task_id}: {'registered' if found['new'] else 'known'}, {found['status']}")


@main.command()
@_said_plainly
def migrate() -> None:
    """Bring the database to this version's schema."""
    with bootstrap.open_catalog(load_settings(), schema=bootstrap.Schema.AS_IT_IS) as catalog:
        missing = catalog.missing_revision()
        if missing is None:
            click.echo("the database is current")
            return
        catalog.upgrade()
        click.echo(f"the database is now at revision {missing}")


@main.command()
@click.option("--timeout", default=5.0, show_default=True, help="Seconds to wait for the answer.")
@_said_plainly
def healthcheck(timeout: float) -> None:
    """Ask the running service whether it is ready; exit code 0 if so."""
    from service.healthcheck import ask

    problem = ask(load_settings(), timeout)
    if problem is not None:
        _fail(problem)
    click.echo("ready")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_said_plainly
def doctor(as_json: bool) -> None:
    """Look at settings, disk, database and keys, and say what is wrong or weak."""
    findings = asyncio.run(examine(load_settings()))
    if as_json:
        _print_json([{"check": f.check, "level": f.level.value, "message": f.message} for f in findings])
    else:
        for finding in findings:
            _show(finding)
    if any(finding.level.bad for finding in findings):
        sys.exit(1)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 picks one.")
@click.option("--seed", type=int, help="Repeats a run: the same submissions get the same ids, images and faults.")
@click.option("--fault", "faults", multiple=True, metavar="KIND=RATE", help=f"One of {', '.join(KINDS)}; repeatable.")
@click.option("--failure-rate", default=0.0, show_default=True, help="Share of tasks that fail.")
@click.option("--cancel-rate", default=0.0, show_default=True, help="Share of tasks that are cancelled.")
@click.option("--seconds", nargs=2, type=float, default=(1.0, 3.0), show_default=True, help="Least and most per task.")
@click.option("--link-lifetime", default=86400.0, show_default=True, help="Seconds until result links die.")
@click.option("--api-key", help="The only key that is accepted; without it, any.")
@click.option("--ca-out", type=_FILE, help="Write the throwaway CA's certificate here, to be trusted by your tests.")
@click.option("--cert-out", type=_FILE, help="Write a certificate for your own service under test here.")
@click.option("--key-out", type=_FILE, help="Write that certificate's key here.")
@click.option("--callback-ca", type=_FILE, help="CA certificate to trust when calling back.")
@click.option("--allow-http-callbacks", is_flag=True, help="Take callback URLs that are not HTTPS.")
@_said_plainly
def simulator(faults: Sequence[str], seconds: tuple[float, float], callback_ca: Path | None, **given: Any) -> None:
    """Run a stand-in for the provider, over HTTPS, for your own tests."""
    try:
        options = SimulatorOptions(
            faults=parse_faults(faults), generation_seconds=seconds, callback_ca_file=callback_ca, **given
        )
        asyncio.run(run_simulator(options, on_ready=lambda url: click.echo(f"the stand-in answers at {url}")))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        _fail(f"the stand-in cannot start: {error}")


@main.command()
@click.option("--keep", is_flag=True, help="Leave the service up afterwards, until Ctrl-C.")
@click.option("--tasks", default=36, show_default=True, type=click.IntRange(1, 2000), help="How many tasks to submit.")
@click.option("--folder", default="demo", show_default=True, type=_FILE, help="Where everything is put.")
@_said_plainly
def demo(keep: bool, tasks: int, folder: Path) -> None:
    """See it work: the service, a stand-in provider, faults, and a ledger at the end."""
    from service.demo.run import DemoOptions, run

    try:
        sys.exit(asyncio.run(run(DemoOptions(folder, tasks, keep), Console())))
    except FileExistsError as error:
        _fail(str(error), USAGE_ERROR)


def _tags(pairs: Sequence[str]) -> dict[str, str]:
    tags = {}
    for pair in pairs:
        name, equals, value = storable(pair).partition("=")
        if not name or not equals:
            raise click.UsageError(f"--tag takes K=V, got {pair!r}")
        tags[name] = value
    return tags


def _text(argument: str | None) -> str | None:
    """An argument as text: a shell can pass bytes that are none."""
    return storable(argument) if argument is not None else None


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2))


def _show(finding: Finding) -> None:
    click.echo(f"{finding.level.mark} {finding.check}: {finding.message}")

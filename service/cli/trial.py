"""Commands to try things out: the stand-in provider, and the demonstration."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from service.cli.group import USAGE_ERROR, fail, main, said_plainly
from service.simulator.faults import KINDS, parse_faults
from service.simulator.options import SimulatorOptions
from service.simulator.server import serve as run_simulator

_FILE = click.Path(path_type=Path)


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
@click.option("--link-origin", default="https://localhost:{port}", show_default=True, help="What links begin with.")
@click.option("--cert", type=_FILE, help="Certificate chain to answer with, in place of a throwaway one.")
@click.option("--key", type=_FILE, help="That certificate's key.")
@click.option("--ca-out", type=_FILE, help="Write the throwaway CA's certificate here, to be trusted by your tests.")
@click.option("--cert-out", type=_FILE, help="Write a certificate for your own service under test here.")
@click.option("--key-out", type=_FILE, help="Write that certificate's key here.")
@click.option("--callback-ca", type=_FILE, help="CA certificate to trust when calling back.")
@click.option("--no-batch", is_flag=True, help="Answer 404 to reading several tasks at once.")
@click.option("--no-list", is_flag=True, help="Answer 404 to the list of tasks.")
@click.option("--no-idempotency", is_flag=True, help="Heed no Idempotency-Key: the same again is new.")
@click.option("--unknown-seconds", default=0.0, show_default=True, help="How long reads answer 404 after submission.")
@click.option("--behind-seconds", default=0.0, show_default=True, help="How long reads do not show that a task ended.")
@click.option("--cancelled-as-failed", is_flag=True, help="Reads show cancelled tasks as failed.")
@click.option("--plain-failed", is_flag=True, help="And without the code that tells of a cancellation.")
@click.option("--batch-without-links", is_flag=True, help="Give no links where several tasks are read at once.")
@click.option("--integer-codes", is_flag=True, help="Errors carry their HTTP status as code.")
@click.option("--allow-http-callbacks", is_flag=True, help="Take callback URLs that are not HTTPS.")
@said_plainly
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
        fail(f"the stand-in cannot start: {error}")


@main.command()
@click.option("--keep", is_flag=True, help="Leave the service up afterwards, until Ctrl-C.")
@click.option("--tasks", default=36, show_default=True, type=click.IntRange(1, 2000), help="How many tasks to submit.")
@click.option("--folder", default="demo", show_default=True, type=_FILE, help="Where everything is put.")
@said_plainly
def demo(keep: bool, tasks: int, folder: Path) -> None:
    """See it work: the service, a stand-in provider, faults, and a ledger at the end."""
    from service.demo.run import DemoOptions, run

    try:
        sys.exit(asyncio.run(run(DemoOptions(folder, tasks, keep), Console())))
    except asyncio.CancelledError:
        fail("ended before its time by SIGTERM; the service that it had started has ended, too")
    except FileExistsError as error:
        fail(str(error), USAGE_ERROR)

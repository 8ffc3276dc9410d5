"""Commands for operators: serve, migrate, healthcheck, doctor."""

import asyncio
import sys
from typing import Any

import click

from service.cli.group import fail, main, print_json, said_plainly
from service.settings import load_settings


@main.command()
@click.option("--roles", help="Parts to run, separated by commas (receiver, archiver, reconciler, api).")
@said_plainly
def serve(roles: str | None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    from service.serve import serve as run

    given: dict[str, Any] = {"roles": roles} if roles else {}
    run(load_settings(**given))


@main.command()
@said_plainly
def migrate() -> None:
    """Bring the database to this version's schema."""
    from service import bootstrap

    with bootstrap.open_catalog(load_settings(), schema=bootstrap.Schema.AS_IT_IS) as catalog:
        missing = catalog.missing_revision()
        if missing is None:
            click.echo("the database is current")
            return
        catalog.upgrade()
        click.echo(f"the database is now at revision {missing}")


@main.command()
@click.option("--timeout", default=5.0, show_default=True, help="Seconds to wait for the answer.")
@said_plainly
def healthcheck(timeout: float) -> None:
    """Ask the running service whether it is ready; exit code 0 if so."""
    from service.healthcheck import ask

    problem = ask(load_settings(), timeout)
    if problem is not None:
        fail(problem)
    click.echo("ready")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def doctor(as_json: bool) -> None:
    """Look at settings, disk, database and keys, and say what is wrong or weak."""
    from service.doctor import examine

    findings = asyncio.run(examine(load_settings()))
    if as_json:
        print_json([{"check": f.check, "level": f.level.value, "message": f.message} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.level.mark} {finding.check}: {finding.message}")
    if any(finding.level.bad for finding in findings):
        sys.exit(1)

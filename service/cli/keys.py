"""Commands about keys of the API. They work on the database, beside a server, which hears of it within seconds."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from service import bootstrap
from service.catalog.catalog import Catalog
from service.catalog.keys import KeptKey
from service.cli.group import main, operator, print_json, said_plainly, text
from service.domain.api_key import Scope
from service.domain.moment import rfc3339
from service.keys.lives import LONGEST_LIFE, OVERLAP, KeyWish, create, new_secret, revoke
from service.settings import load_settings
from service.web.documents import key_document, setting_key_document

TOGETHER = 200
SCOPES = click.Choice([scope.value for scope in Scope])


@main.group()
def key() -> None:
    """Make, list and revoke keys of the API."""


@key.command("create")
@click.argument("name", required=False)
@click.option("--scope", "scopes", multiple=True, type=SCOPES, help="What it may do; may be repeated.")
@click.option("--expires-in", type=click.IntRange(1, LONGEST_LIFE), metavar="SECONDS", help="Let the key end.")
@click.option("--note", help="What it is for, for people.")
@click.option("--replaces", metavar="ID", help="Take the name of this key, and its scopes unless others are named.")
@click.option(
    "--overlap",
    type=click.IntRange(0, LONGEST_LIFE),
    default=OVERLAP,
    show_default=True,
    metavar="SECONDS",
    help="How long the replaced key works on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def create_key(scopes: Sequence[str], as_json: bool, **given: Any) -> None:
    """Make a key called NAME, and print it: nothing shows it again.

    Sums and budgets go by the name, so a key that takes the place of another one has the same.
    """
    asked: dict[str, Any] = {name: text(value) if isinstance(value, str) else value for name, value in given.items()}
    wish = KeyWish(**asked, scopes=frozenset(Scope(scope) for scope in scopes))
    if wish.replaces is None and (wish.name is None or not scopes):
        raise click.UsageError("name the key and at least one --scope, or the key that it --replaces")
    settings, by = load_settings(), operator()
    with bootstrap.open_catalog(settings) as catalog:
        setting = bootstrap.known_setting_keys(settings)
        made = asyncio.run(
            catalog.write(partial(create, wish=wish, secret=new_secret(), by=by, setting=setting), by=by)
        )
    if as_json:
        print_json({**key_document(made.kept), "key": made.secret})
        return
    click.echo(made.secret)
    click.echo(f"note: this is {made.kept.key.id}, {_scopes(made.kept)}; it is shown this once", err=True)


@key.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def list_keys(as_json: bool) -> None:
    """List the keys, those of the setting last; never themselves."""
    settings = load_settings()
    with bootstrap.open_catalog(settings) as catalog:
        kept = asyncio.run(_all(catalog))
    setting = bootstrap.known_setting_keys(settings)
    if as_json:
        print_json(
            {
                "items": [key_document(one) for one in kept],
                "setting": [setting_key_document(one) for one in setting],
            }
        )
        return
    for one in kept:
        click.echo(f"{one.key.id}  {one.key.name}  {_scopes(one)}{_life(one)}")
    for other in setting:
        click.echo(f"{other.id}  {other.name}  {' '.join(sorted(other.scopes))}, of the setting")


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def revoke_key(key_id: str, as_json: bool) -> None:
    """Revoke a key: every server refuses it within seconds.

    The last key with the scope admin, too: `darkroom key create` makes another one.
    """
    settings, by = load_settings(), operator()
    with bootstrap.open_catalog(settings) as catalog:
        setting = bootstrap.known_setting_keys(settings)
        work = partial(revoke, key_id=text(key_id) or "", by=by, setting=setting)
        kept = asyncio.run(catalog.write(work, by=by))
    if as_json:
        print_json(key_document(kept))
        return
    click.echo(f"{kept.key.id} ({kept.key.name}) is revoked")


async def _all(catalog: Catalog) -> list[KeptKey]:
    found: list[KeptKey] = []
    after: int | None = None
    while True:
        page = await catalog.read(partial(lambda tx, after: tx.keys.page(after=after, limit=TOGETHER), after=after))
        found += page.items
        if (after := page.next) is None:
            return found


def _scopes(kept: KeptKey) -> str:
    return " ".join(scope.value for scope in Scope if scope in kept.key.scopes)


def _life(kept: KeptKey) -> str:
    said = [
        f"{what} {rfc3339(at)}"
        for what, at in (
            ("used", kept.last_used_at),
            ("revoked", kept.key.revoked_at),
            ("ends", kept.key.expires_at if kept.key.revoked_at is None else None),
        )
        if at is not None
    ]
    return f", {', '.join(said)}" if said else ""

"""Minting a callback URL: sign it, remember it, and say what the provider would not like about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tokens import MintedToken
from service.domain.audit import Action, Actor
from service.domain.host import is_internal_name
from service.domain.object_key import is_task_id
from service.errors import Invalid
from service.intake.callback_token import LONGEST_URL, CallbackToken, TokenSigner, callback_url, new_token_id

LONGEST_LIFE = 10 * 365 * 86400
"""Seconds that a callback URL or a signed link may live, if it is to end at all."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a callback URL is to carry; `expires_in` in seconds."""

    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    task_id: str | None = None
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """A callback URL, ready to be given to the provider."""

    id: str
    callback_url: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A callback URL that is not remembered yet: it must not be given away before `token` is durable."""

    token: MintedToken
    callback_url: str


async def mint(
    wish: Wish, *, catalog: Catalog, signer: TokenSigner, public_url: str, now: datetime, by: Actor
) -> Minted:
    """Mint a callback URL; it is remembered durably before it is given away. Raises Invalid when it gets too long."""
    draft = draft_url(wish, signer=signer, public_url=public_url, now=now)

    def remember(tx: Transaction) -> None:
        tx.tokens.add(draft.token)
        tx.audit.note(Action.CALLBACK_URL_MINTED, draft.token.id, task_id=wish.task_id)

    await catalog.write(remember, by=by)
    return Minted(draft.token.id, draft.callback_url, tuple(public_url_warnings(public_url)))


def draft_url(wish: Wish, *, signer: TokenSigner, public_url: str, now: datetime) -> Draft:
    """Sign a callback URL. Raises Invalid when it gets too long for the provider."""
    if wish.task_id is not None and not is_task_id(wish.task_id):
        raise Invalid("invalid_task_id", "task_id is not one that the provider can have given")
    now = now.replace(microsecond=0)
    token = MintedToken(
        id=new_token_id(),
        source="evolink",
        created_at=now,
        task_id=wish.task_id,
        ref=wish.ref,
        tags=wish.tags,
        expires_at=now + timedelta(seconds=wish.expires_in) if wish.expires_in else None,
    )
    return Draft(token, signed_url(token, signer=signer, public_url=public_url))


def signed_url(token: MintedToken, *, signer: TokenSigner, public_url: str) -> str:
    """The callback URL of a token, the same each time. Raises Invalid when it is too long for the provider."""
    signed = CallbackToken(
        id=token.id,
        source=token.source,
        issued_at=token.created_at,
        expires_at=token.expires_at,
        task_id=token.task_id,
        ref=token.ref,
        tags=token.tags,
    )
    url = callback_url(public_url, signed, signer)
    if len(url) > LONGEST_URL:
        raise Invalid(
            "url_too_long", f"the URL has {len(url)} characters, the provider takes {LONGEST_URL}: shorten ref or tags"
        )
    return url


def public_url_warnings(public_url: str) -> list[str]:
    """Why the provider would refuse URLs with this base: it takes HTTPS on public addresses only."""
    parts = urlsplit(public_url)
    warnings = []
    if parts.scheme != "https":
        warnings.append("the provider calls HTTPS URLs only: set DARKROOM_PUBLIC_URL to an https:// address")
    if _is_private(parts.hostname or ""):
        warnings.append("the provider calls public addresses only: DARKROOM_PUBLIC_URL names a private one")
    return warnings


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return is_internal_name(host)

"""Links to archived images that stay: one for each image, the same for whoever asks, and a new one once it is revoked.

Their ids name the image and how many of them were revoked before, so that two who make one at the same time make the
same, and that it opens the image also in a database that was made anew from the archive. They are signed like any other
link to an image, and revoked like it.
"""

from collections.abc import Iterable, Sequence

from service.catalog.catalog import Transaction
from service.catalog.tokens import SignedLink
from service.domain.asset import Asset, AssetStatus, split_asset_id
from service.intake.asset_link import AssetLinkSigner

_BEGINS = "permanent:"
"""No other link's id has a colon."""

_AT_ONCE = 4
"""Links of one image that are looked up together; hardly ever is one revoked."""


def permanent_links(tx: Transaction, assets: Sequence[Asset]) -> dict[int, str]:
    """The ids of the links to those of a task's images that are archived, by index; made where there are none."""
    found, missing = _look_up(tx, assets)
    made = [SignedLink(link_id, asset.task_id, asset.index, tx.now) for asset, link_id in missing]
    tx.tokens.add_links(made)
    return found | {link.index: link.id for link in made}


def known_links(tx: Transaction, assets: Sequence[Asset]) -> dict[int, str] | None:
    """The same without a change; None where one has to be made."""
    found, missing = _look_up(tx, assets)
    return None if missing else found


def url_of(signer: AssetLinkSigner, public_url: str, link_id: str) -> str:
    """The address of a permanent link."""
    return f"{public_url}/a/{signer.sign(link_id, None)}"


def _look_up(tx: Transaction, assets: Iterable[Asset]) -> tuple[dict[int, str], list[tuple[Asset, str]]]:
    """Links that are there, by index, and images that have none yet, with the id that theirs is going to have."""
    open_, first = [asset for asset in assets if asset.status is AssetStatus.ARCHIVED], 0
    found: dict[int, str] = {}
    missing: list[tuple[Asset, str]] = []
    while open_:
        ids = {asset.index: [_link_id(asset, first + step) for step in range(_AT_ONCE)] for asset in open_}
        links = tx.tokens.links([link_id for some in ids.values() for link_id in some])
        revoked = {link.id for link in links.values() if link.revoked_at is not None}
        all_revoked = []
        for asset in open_:
            link_id = next((one for one in ids[asset.index] if one not in revoked), None)
            if link_id is None:
                all_revoked.append(asset)
            elif link_id in links:
                found[asset.index] = link_id
            else:
                missing.append((asset, link_id))
        open_, first = all_revoked, first + _AT_ONCE
    return found, missing


def image_of(link_id: str) -> tuple[str, int] | None:
    """The image that a permanent link's id names, by task and index; None for the id of another link."""
    name, colon, number = link_id.removeprefix(_BEGINS).rpartition(":")
    if not link_id.startswith(_BEGINS) or not colon or not number.isdecimal():
        return None
    return split_asset_id(name)


def _link_id(asset: Asset, revoked_before: int) -> str:
    return f"{_BEGINS}{asset.id}:{revoked_before}"

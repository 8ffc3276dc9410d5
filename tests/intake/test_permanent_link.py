"""One link for each image, the same for whoever asks, until it is revoked."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from service.catalog.catalog import Catalog
from service.domain.asset import Asset, AssetStatus, Stored
from service.intake.asset_link import AssetLinkSigner, new_link_id
from service.intake.permanent_link import image_of, known_links, permanent_links, url_of
from tests.support.deliveries import LINK, NOW, TASK
from tests.support.fetching import IMAGE

SIGNER = AssetLinkSigner(["one"])
IMAGES = [
    Asset(
        task_id=TASK,
        index=index,
        links=(LINK,),
        deadline=NOW,
        created_at=NOW,
        status=AssetStatus.ARCHIVED,
        stored=Stored(f"key/{index}", "0" * 64, 1, IMAGE),
        archived_at=NOW,
    )
    for index in range(3)
]


async def links(catalog: Catalog, *images: Asset) -> dict[int, str]:
    return await catalog.write(lambda tx: permanent_links(tx, images))


async def known(catalog: Catalog, *images: Asset) -> dict[int, str] | None:
    return await catalog.read(lambda tx: known_links(tx, images))


async def revoke(catalog: Catalog, link_id: str) -> None:
    await catalog.write(lambda tx: tx.tokens.revoke_link(link_id, tx.now))


async def test_each_archived_image_has_one_that_never_ends_and_it_stays_the_same(catalog: Catalog) -> None:
    first = await links(catalog, *IMAGES[:2])
    assert len(set(first.values())) == 2
    assert await links(catalog, *IMAGES) == first | await links(catalog, IMAGES[2])
    kept = await catalog.read(lambda tx: tx.tokens.link(first[1]))
    assert kept is not None
    assert (kept.task_id, kept.index, kept.expires_at, kept.revoked_at) == (TASK, 1, None, None)


async def test_looking_makes_none_and_says_where_one_has_to_be_made(catalog: Catalog) -> None:
    assert await known(catalog) == {}
    assert await known(catalog, *IMAGES) is None
    made = await links(catalog, *IMAGES[:2])
    assert await known(catalog, *IMAGES[:2]) == made
    assert await known(catalog, *IMAGES) is None


async def test_its_id_is_the_same_in_every_version_so_that_links_that_were_given_out_stay(catalog: Catalog) -> None:
    assert await links(catalog, *IMAGES[:2]) == {0: f"permanent:{TASK}.0:0", 1: f"permanent:{TASK}.1:0"}
    await revoke(catalog, f"permanent:{TASK}.0:0")
    assert await links(catalog, IMAGES[0]) == {0: f"permanent:{TASK}.0:1"}


@pytest.mark.parametrize("status", [AssetStatus.PENDING, AssetStatus.DEAD, AssetStatus.DELETED])
async def test_what_is_not_archived_has_none(catalog: Catalog, status: AssetStatus) -> None:
    image = replace(IMAGES[0], status=status)
    assert await known(catalog, image) == {}
    assert await links(catalog, image) == {}


async def test_one_that_is_revoked_is_replaced_however_often(catalog: Catalog) -> None:
    other = (await links(catalog, IMAGES[1]))[1]
    given = []
    for _ in range(10):
        [link_id] = (await links(catalog, IMAGES[0])).values()
        given.append(link_id)
        assert await known(catalog, IMAGES[0]) == {0: link_id}
        assert image_of(link_id) == (TASK, 0)
        await revoke(catalog, link_id)
        assert await known(catalog, IMAGES[0]) is None
    assert len(set(given)) == 10
    assert await known(catalog, IMAGES[1]) == {1: other}


async def test_all_who_ask_at_once_get_the_same(catalog: Catalog) -> None:
    answers = await asyncio.gather(*(links(catalog, *IMAGES) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)


async def test_its_url_opens_the_image_for_good(catalog: Catalog) -> None:
    [link_id] = (await links(catalog, IMAGES[0])).values()
    url = url_of(SIGNER, "https://darkroom.example.com", link_id)
    assert url.startswith("https://darkroom.example.com/a/")
    assert url == url_of(SIGNER, "https://darkroom.example.com", link_id)
    token = urlsplit(url).path.removeprefix("/a/")
    assert SIGNER.verify(token, now=NOW.replace(year=9000)) == link_id


async def test_its_id_tells_which_image_it_is_for_and_no_other_links_id_does(catalog: Catalog) -> None:
    given = await links(catalog, *IMAGES)
    assert {image_of(link_id) for link_id in given.values()} == {(TASK, 0), (TASK, 1), (TASK, 2)}
    await revoke(catalog, given[0])
    assert image_of((await links(catalog, IMAGES[0]))[0]) == (TASK, 0)
    [named] = (await links(catalog, replace(IMAGES[0], task_id="task:of:another"))).values()
    assert image_of(named) == ("task:of:another", 0)
    for other in (
        new_link_id(),
        "",
        "permanent:",
        "permanent:x",
        f"permanent:{TASK}:0",
        f"permanent:{TASK}.0:",
        "a.0:0",
    ):
        assert image_of(other) is None

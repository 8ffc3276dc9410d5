"""Signed links: they work without a key, for their asset alone, until they expire or are revoked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import CallbackToken
from tests.support.app import PUBLIC_URL, House, assert_problem, serving
from tests.support.deliveries import LINK, TASK
from tests.support.fetching import picture

LINKS = f"/v1/assets/{TASK}.0/links"


async def sign(house: House, **wish: int) -> tuple[str, str]:
    """A link to an archived asset: its id and its path."""
    await house.complete()
    await house.archive()
    answer = await house.write.post(LINKS, json=wish)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document["url"].startswith(f"{PUBLIC_URL}/a/")
    return document["id"], urlsplit(document["url"]).path


async def test_a_link_gives_the_bytes_to_whoever_has_it(house: House) -> None:
    link_id, path = await sign(house)
    answer = await house.anyone.get(path)
    assert (answer.status_code, answer.content) == (200, picture(LINK))
    assert answer.headers["x-content-type-options"] == "nosniff"
    part = await house.anyone.get(path, headers={"Range": "bytes=-3"})
    assert (part.status_code, part.content) == (206, picture(LINK)[-3:])
    assert (await house.anyone.head(path)).status_code == 200
    listing = await house.read.get(LINKS)
    [listed] = listing.json()["items"]
    assert (listed["id"], listed["asset_id"], listed["expires_at"], listed["revoked_at"]) == (
        link_id,
        f"{TASK}.0",
        None,
        None,
    )
    assert path.rpartition("/")[2] not in listing.text


async def test_a_link_says_when_it_ends_and_ends_then(house: House) -> None:
    link_id, path = await sign(house, expires_in=60)
    assert (await house.anyone.get(path)).status_code == 200
    [listed] = (await house.json(LINKS))["items"]
    lifetime = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert lifetime == timedelta(seconds=60)
    expired = house.parts.link_signer.sign(link_id, datetime.now(UTC) - timedelta(seconds=1))
    assert_problem(await house.anyone.get(f"/a/{expired}"), 404, "link_not_found")


async def test_a_revoked_link_is_404_and_the_others_go_on(house: House) -> None:
    link_id, path = await sign(house)
    other = urlsplit((await house.write.post(LINKS)).json()["url"]).path
    assert (await house.admin.delete(f"{LINKS}/{link_id}")).status_code == 204
    assert_problem(await house.anyone.get(path), 404, "link_not_found")
    assert (await house.anyone.get(other)).status_code == 200
    assert (await house.admin.delete(f"{LINKS}/{link_id}")).status_code == 204
    revoked = {one["id"]: one["revoked_at"] is not None for one in (await house.json(LINKS))["items"]}
    assert revoked.pop(link_id) is True
    assert list(revoked.values()) == [False]


async def test_a_forged_link_is_404(house: House) -> None:
    link_id, path = await sign(house)
    text = path.rpartition("/")[2]
    callback = house.parts.signer.sign(CallbackToken(link_id, "evolink", datetime.now(UTC)))
    forged = [
        text[:-1] + ("A" if text[-1] != "A" else "B"),
        text.rpartition(".")[0],
        AssetLinkSigner(["another secret"]).sign(link_id, None),
        house.parts.link_signer.sign("unknown-id", None),
        callback,
        link_id,
        "x" * 5000,
        "%00",
        "%ff",
        "\u00e9",
    ]
    for one in forged:
        assert_problem(await house.anyone.get(f"/a/{one}"), 404, "link_not_found")


async def test_a_link_to_a_deleted_asset_looks_like_none(house: House) -> None:
    _, path = await sign(house)
    await house.admin.delete(f"/v1/assets/{TASK}.0")
    assert_problem(await house.anyone.get(path), 404, "link_not_found")
    assert_problem(await house.write.post(LINKS), 410, "asset_deleted")


async def test_a_link_is_revoked_under_its_own_asset_only(house: House) -> None:
    link_id, path = await sign(house)
    await house.complete("task-other")
    assert_problem(await house.admin.delete(f"/v1/assets/task-other.0/links/{link_id}"), 404, "link_not_found")
    assert_problem(await house.admin.delete(f"{LINKS}/none"), 404, "link_not_found")
    assert (await house.anyone.get(path)).status_code == 200


async def test_links_outlive_a_restart_and_the_rotation_of_secrets(tmp_path: Path) -> None:
    async with serving(tmp_path, callbacks={"secrets": ["o" * 40]}) as house:
        _, path = await sign(house)
    async with serving(tmp_path, callbacks={"secrets": ["n" * 40, "o" * 40]}) as house:
        assert (await house.anyone.get(path)).status_code == 200
    async with serving(tmp_path, callbacks={"secrets": ["n" * 40]}) as house:
        assert_problem(await house.anyone.get(path), 404, "link_not_found")


@pytest.mark.parametrize(
    "body", [b'{"expires_in":0}', b'{"expires_in":"soon"}', b'{"expires_in":1e99}', b'{"for":1}', b"["]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_link_that_cannot_be_is_400(archived: House, body: bytes) -> None:
    assert_problem(await archived.write.post(LINKS, content=body), 400, "invalid_request")


@pytest.mark.parametrize("query", ["limit=0", "limmit=1", "cursor=x"])
@pytest.mark.asyncio(loop_scope="module")
async def test_the_list_of_links_takes_what_lists_take(archived: House, query: str) -> None:
    assert (await archived.read.get(f"{LINKS}?{query}")).status_code == 400


async def test_a_link_that_ends_is_not_cached_for_longer_than_it_lives(house: House) -> None:
    _, path = await sign(house, expires_in=60)
    assert "31536000" not in (await house.anyone.get(path)).headers["cache-control"]


async def test_a_permanent_link_opens_its_image_in_a_database_made_anew_and_can_be_revoked_there(house: House) -> None:
    await house.complete()
    await house.archive()
    link_id = f"permanent:{TASK}.0:0"  # given away, and remembered by the lost database alone
    path = f"/a/{house.parts.link_signer.sign(link_id, None)}"
    assert (await house.anyone.get(path)).content == picture(LINK)
    assert (await house.admin.delete(f"{LINKS}/permanent:{TASK}.1:0")).status_code == 404
    assert (await house.admin.delete(f"{LINKS}/{link_id}")).status_code == 204
    assert_problem(await house.anyone.get(path), 404, "link_not_found")
    [listed] = (await house.json(LINKS))["items"]
    assert (listed["id"], listed["revoked_at"] is None) == (link_id, False)

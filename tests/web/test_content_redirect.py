"""Content that the store gives away itself: a redirect where that is wanted and can be, the bytes where not."""

from pathlib import Path

import pytest

from tests.support.app import assert_problem, serving
from tests.support.deliveries import LINK, TASK
from tests.support.fetching import picture
from tests.support.memory_store import MemoryStore

PATH = f"/v1/assets/{TASK}.0/content"


class SigningStore(MemoryStore):
    async def presign(self, key: str, seconds: int, *, head: bool = False) -> str | None:
        return f"https://bucket.example/{key}?for={seconds}&to={'HEAD' if head else 'GET'}&sig=a%2Fb"


def on(redirect: bool = True) -> dict[str, object]:
    return {"min_free_bytes": 0, "redirect": redirect}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_redirect_leads_to_the_store_for_a_short_while_and_is_not_kept(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path, store=SigningStore(tmp_path), storage=on()) as house:
        await house.complete()
        await house.archive()
        key = (await house.json(f"/v1/assets/{TASK}.0"))["object_key"]
        answer = await house.read.request(method, PATH, headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (307, b"")
        assert answer.headers["location"] == f"https://bucket.example/{key}?for=300&to={method}&sig=a%2Fb"
        assert answer.headers["cache-control"] == "no-store"
        assert (await house.anyone.request(method, PATH)).status_code == 401


async def test_what_is_asked_for_again_is_not_modified_without_a_redirect(tmp_path: Path) -> None:
    async with serving(tmp_path, store=SigningStore(tmp_path), storage=on()) as house:
        await house.complete()
        await house.archive()
        sha256 = (await house.json(f"/v1/assets/{TASK}.0"))["sha256"]
        assert (await house.read.get(PATH, headers={"If-None-Match": f'"{sha256}"'})).status_code == 304


async def test_a_signed_link_of_ours_can_be_revoked_and_so_never_becomes_one_of_the_stores(tmp_path: Path) -> None:
    async with serving(tmp_path, store=SigningStore(tmp_path), storage=on()) as house:
        await house.complete()
        await house.archive()
        link = await house.write.post(f"/v1/assets/{TASK}.0/links", json={})
        answer = await house.anyone.get(link.json()["url"])
        assert (answer.status_code, answer.content) == (200, picture(LINK))


@pytest.mark.parametrize(("signing", "redirect"), [(True, False), (False, True)])
async def test_the_bytes_come_from_here_where_redirects_are_off_or_the_store_signs_none(
    tmp_path: Path, signing: bool, redirect: bool
) -> None:
    store = SigningStore(tmp_path) if signing else MemoryStore(tmp_path)
    async with serving(tmp_path, store=store, storage=on(redirect)) as house:
        await house.complete()
        await house.archive()
        answer = await house.read.get(PATH, headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (206, picture(LINK)[:10])


async def test_a_download_comes_from_here_as_the_store_cannot_say_attachment(tmp_path: Path) -> None:
    async with serving(tmp_path, store=SigningStore(tmp_path), storage=on()) as house:
        await house.complete()
        await house.archive()
        answer = await house.read.get(PATH, params={"download": "1"})
        assert (answer.status_code, answer.content) == (200, picture(LINK))
        assert answer.headers["content-disposition"].startswith("attachment")


async def test_what_is_deleted_is_gone_and_not_redirected(tmp_path: Path) -> None:
    async with serving(tmp_path, store=SigningStore(tmp_path), storage=on()) as house:
        await house.complete()
        await house.archive()
        await house.admin.delete(f"/v1/assets/{TASK}.0")
        assert_problem(await house.read.get(PATH), 410, "asset_deleted")

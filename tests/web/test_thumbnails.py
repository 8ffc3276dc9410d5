"""Thumbnails over HTTP: sizes, caching, conditions, links, and placeholders for what has none."""

import hashlib
import io
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import LINK, TASK
from tests.support.hostile_images import encoded, noise

PATH = f"/v1/assets/{TASK}.0/thumbnail"
BODY = encoded(noise((600, 400)), "PNG")
BROKEN = BODY[:-3000]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pictures(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A service with one archived image that is one."""
    async with serving(tmp_path_factory.mktemp("pictures")) as opened:
        await opened.complete()
        await opened.archive({LINK: BODY})
        yield opened


def shown(answer: httpx.Response) -> Image.Image:
    assert answer.headers["content-type"] == "image/webp"
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


@pytest.mark.parametrize(("query", "size"), [("", (512, 341)), ("?size=256", (256, 171)), ("?size=1024", (600, 400))])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_thumbnail_is_a_webp_of_one_of_a_few_sizes(pictures: House, query: str, size: tuple[int, int]) -> None:
    answer = await pictures.read.get(f"{PATH}{query}")
    assert (answer.status_code, shown(answer).size) == (200, size)
    headers = answer.headers
    assert headers["content-length"] == str(len(answer.content))
    assert headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["darkroom-derived-from"] == f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    assert headers["content-disposition"] == f'inline; filename="{TASK}.0.{query[6:] or 512}.webp"'
    assert "darkroom-placeholder" not in headers


@pytest.mark.asyncio(loop_scope="module")
async def test_the_asset_names_its_thumbnail(pictures: House) -> None:
    url = (await pictures.json(f"/v1/assets/{TASK}.0"))["thumbnail_url"]
    assert shown(await pictures.read.get(url)).size == (512, 341)
    assert_problem(await pictures.anyone.get(url), 401, "unauthorized")


@pytest.mark.asyncio(loop_scope="module")
async def test_head_and_conditions_are_answered_as_for_the_image(pictures: House) -> None:
    whole = await pictures.read.get(PATH)
    head = await pictures.read.head(PATH)
    assert (head.status_code, head.content, head.headers) == (200, b"", whole.headers)
    for condition in ({"If-None-Match": whole.headers["etag"]}, {"If-Modified-Since": whole.headers["last-modified"]}):
        answer = await pictures.read.get(PATH, headers=condition)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", whole.headers["etag"])
        assert answer.headers["cache-control"] == whole.headers["cache-control"]
    assert_problem(await pictures.read.get(PATH, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    ranged = await pictures.read.get(PATH, headers={"Range": "bytes=0-1"})
    assert (ranged.status_code, ranged.content) == (200, whole.content)


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("size=300", "invalid_parameter", "256, 512, 1024"),
        ("size=", "invalid_parameter", "256, 512, 1024"),
        ("size=0256", "invalid_parameter", "256, 512, 1024"),
        ("size=256&size=512", "repeated_parameter", "size"),
        ("width=256", "unknown_parameter", "it takes size"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_size_is_refused_by_name(pictures: House, query: str, code: str, named: str) -> None:
    answer = await pictures.read.get(f"{PATH}?{query}")
    assert_problem(answer, 400, code)
    assert named in answer.json()["detail"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_signed_link_shows_the_thumbnail_too(pictures: House) -> None:
    url = (await pictures.write.post(f"/v1/assets/{TASK}.0/links", json={})).json()["url"]
    answer = await pictures.anyone.get(url, params={"thumbnail": "256"})
    assert (shown(answer).size, answer.headers["cache-control"]) == ((256, 171), "private, no-cache")
    assert (await pictures.anyone.get(url)).content == BODY
    assert_problem(await pictures.anyone.get(url, params={"thumbnail": "9"}), 400, "invalid_parameter")
    assert_problem(await pictures.anyone.get(f"{url}?thumbnail=256&thumbnail=512"), 400, "repeated_parameter")
    assert_problem(await pictures.anyone.get("/a/nonsense?thumbnail=9"), 404, "link_not_found")
    link = (await pictures.json(f"/v1/assets/{TASK}.0/links"))["items"][0]["id"]
    await pictures.admin.delete(f"/v1/assets/{TASK}.0/links/{link}")
    assert_problem(await pictures.anyone.get(url, params={"thumbnail": "256"}), 404, "link_not_found")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_has_none_gets_a_placeholder_that_nobody_keeps(house: House, method: str) -> None:
    await house.complete()
    await house.archive({LINK: BROKEN})
    answer = await house.read.request(method, PATH)
    assert (answer.status_code, answer.headers["darkroom-placeholder"]) == (200, "corrupt")
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified"} & set(answer.headers)
    if method == "GET":
        assert shown(answer).size == (256, 256)
    assert list(house.parts.settings.storage_root.rglob("*.webp")) == []
    assert (await house.read.get(f"/v1/assets/{TASK}.0/content")).content == BROKEN


async def test_deleting_an_image_removes_its_thumbnails(house: House) -> None:
    await house.complete()
    assert_problem(await house.read.get(PATH), 409, "asset_pending")
    assert (await house.json(f"/v1/assets/{TASK}.0"))["thumbnail_url"] is None
    await house.archive({LINK: BODY})
    before = await house.json("/v1/stats")
    for size in (256, 512, 1024):
        assert (await house.read.get(PATH, params={"size": str(size)})).status_code == 200
    root = house.parts.settings.storage_root
    assert len(list(root.glob(f"thumbnails/evolink/*/*/*/{TASK}/0-*.webp"))) == 3
    after = await house.json("/v1/stats")
    assert after["bytes"] == before["bytes"]
    await house.admin.delete(f"/v1/assets/{TASK}.0")
    assert_problem(await house.read.get(PATH), 410, "asset_deleted")
    await house.purge()
    assert not (root / "thumbnails").exists()

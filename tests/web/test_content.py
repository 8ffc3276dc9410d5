"""An image's bytes over HTTP (RFC 9110): whole, in part, conditional, and never as something else."""

import hashlib
from pathlib import Path

import httpx
import pytest

from service.domain.attempt import Failed, Failure
from service.web.content import disposition
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import LINK, TASK
from tests.support.fetching import picture
from tests.support.memory_store import MemoryStore

PATH = f"/v1/assets/{TASK}.0/content"
BODY = picture(LINK)
SIZE = len(BODY)
ETAG = f'"{hashlib.sha256(BODY).hexdigest()}"'


async def get(house: House, method: str = "GET", **headers: str) -> httpx.Response:
    """The content of the one archived asset; header names with underscores."""
    return await house.read.request(
        method, PATH, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_the_bytes_come_as_they_were_received_with_their_hash_as_a_strong_etag(archived: House) -> None:
    answer = await get(archived)
    assert (answer.status_code, answer.content) == (200, BODY)
    headers = answer.headers
    assert (headers["etag"], headers["content-type"], headers["content-length"]) == (ETAG, "image/png", str(SIZE))
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'inline; filename="{TASK}.0.png"'
    assert "immutable" in headers["cache-control"]
    assert "private" in headers["cache-control"]
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.asyncio(loop_scope="module")
async def test_head_has_the_same_headers_and_no_body(archived: House) -> None:
    answer = await get(archived, "HEAD")
    whole = await archived.read.get(PATH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers == whole.headers


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-9", 0, 9),
        ("bytes=100-", 100, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        ("bytes=10-999999999999", 10, SIZE - 1),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_one_range_is_206_with_just_those_bytes(archived: House, header: str, first: int, last: int) -> None:
    answer = await get(archived, Range=header)
    assert (answer.status_code, answer.content) == (206, BODY[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert (answer.headers["etag"], answer.headers["content-type"]) == (ETAG, "image/png")


@pytest.mark.parametrize("header", ["bytes=5-2", "lines=0-1", "bytes=x-y", "bytes=-", "0-1"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_range_that_is_none_is_answered_with_everything(archived: House, header: str) -> None:
    answer = await get(archived, Range=header)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=0-,0-", f"bytes=0-0,{SIZE}-"])
@pytest.mark.asyncio(loop_scope="module")
async def test_several_ranges_are_refused_and_not_answered_with_everything(archived: House, header: str) -> None:
    answer = await get(archived, Range=header)
    assert_problem(answer, 416, "several_ranges")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.asyncio(loop_scope="module")
async def test_several_ranges_in_as_many_lines_are_several_ranges(archived: House) -> None:
    answer = await archived.read.get(PATH, headers=[("Range", "bytes=0-1"), ("Range", "bytes=5-6")])
    assert_problem(answer, 416, "several_ranges")


@pytest.mark.asyncio(loop_scope="module")
async def test_several_ranges_of_other_bytes_are_no_ranges(archived: House) -> None:
    answer = await get(archived, Range="bytes=0-1,5-6", If_Range='"other"')
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize(
    "header", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=99999999999999999-"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_range_outside_is_416_and_tells_the_size(archived: House, header: str) -> None:
    answer = await get(archived, Range=header)
    assert_problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("headers", [{"Range": f"bytes={SIZE}-"}, {"Range": "bytes=0-1,5-6"}, {"If-Match": '"other"'}])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_refusal_is_not_kept_in_the_images_place(archived: House, headers: dict[str, str]) -> None:
    answer = await archived.read.get(PATH, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "content-disposition"} & set(answer.headers)


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", "*", f'"other", {ETAG}'])
@pytest.mark.asyncio(loop_scope="module")
async def test_who_has_the_bytes_gets_304_without_a_body(archived: House, header: str) -> None:
    answer = await get(archived, If_None_Match=header, Range="bytes=0-1")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers
    assert "immutable" in answer.headers["cache-control"]
    assert not {"content-disposition", "accept-ranges", "content-range"} & set(answer.headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.asyncio(loop_scope="module")
async def test_who_has_seen_the_bytes_since_they_were_archived_gets_304(archived: House, method: str) -> None:
    since = (await get(archived)).headers["last-modified"]
    answer = await get(archived, method, If_Modified_Since=since)
    assert (answer.status_code, answer.headers["last-modified"], answer.headers["etag"]) == (304, since, ETAG)
    assert (await get(archived, Range="bytes=0-1", If_Range=since)).status_code == 206


@pytest.mark.asyncio(loop_scope="module")
async def test_who_wants_other_bytes_only_gets_412(archived: House) -> None:
    assert_problem(await get(archived, If_Match='"other"', Range="bytes=0-1"), 412, "precondition_failed")
    assert (await get(archived, If_Match=ETAG)).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_a_download_is_an_attachment(archived: House) -> None:
    answer = await archived.read.get(PATH, params={"download": "1"})
    assert (answer.content, answer.headers["content-disposition"]) == (BODY, f'attachment; filename="{TASK}.0.png"')
    assert_problem(await archived.read.get(PATH, params={"download": "yes"}), 400, "invalid_parameter")
    assert_problem(await archived.read.get(f"{PATH}?download=1&download=1"), 400, "repeated_parameter")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("task-1.0.png", "task-1.0.png"),
        ('a"; filename="b.exe', "a___filename__b.exe"),
        ("a\r\nSet-Cookie: b=1.png", "a__Set-Cookie__b_1.png"),
        ("../../a:b\\c.png", ".._.._a_b_c.png"),
        ("\u202egnp.exe", "_gnp.exe"),
    ],
)
def test_a_hostile_name_stays_a_name(name: str, shown: str) -> None:
    assert disposition(name) == f'inline; filename="{shown}"'


@pytest.mark.parametrize("header", ['"other"', ETAG.strip('"'), ""])
@pytest.mark.asyncio(loop_scope="module")
async def test_who_has_other_bytes_gets_these(archived: House, header: str) -> None:
    answer = await get(archived, If_None_Match=header)
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize(
    ("if_range", "status"),
    [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Fri, 01 May 2026 12:00:00 GMT", 200), ("", 200)],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_range_counts_only_for_the_bytes_that_if_range_names(
    archived: House, if_range: str, status: int
) -> None:
    answer = await get(archived, Range="bytes=0-1", If_Range=if_range)
    assert (answer.status_code, len(answer.content)) == (status, 2 if status == 206 else SIZE)


@pytest.mark.parametrize("header", ["bytes=0-1", f"bytes={SIZE}-"])
@pytest.mark.asyncio(loop_scope="module")
async def test_head_ignores_a_range(archived: House, header: str) -> None:
    answer = await get(archived, "HEAD", Range=header)
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))


async def test_an_asset_that_is_not_archived_yet_is_409(house: House) -> None:
    await house.complete()
    assert_problem(await house.read.get(PATH), 409, "asset_pending")
    assert_problem(await house.write.post(f"/v1/assets/{TASK}.0/links"), 409, "asset_pending")


async def test_an_asset_that_never_came_is_404_with_its_reason(house: House) -> None:
    await house.complete()
    await house.archive({LINK: Failed(Failure.TOO_LARGE, "over the cap")})
    answer = await house.read.get(PATH)
    assert_problem(answer, 404, "asset_dead")
    assert "too_large" in answer.json()["detail"]


async def test_a_store_that_is_ill_is_503_and_not_an_empty_image(tmp_path: Path) -> None:
    ill: list[str] = []
    staging = tmp_path / "staging"
    staging.mkdir()
    store = MemoryStore(staging, ill=lambda verb, _key: "unplugged" if verb in ill else None)
    async with serving(tmp_path, store=store) as house:
        await house.complete()
        await house.archive()
        assert (await get(house)).status_code == 200
        ill.append("read")
        answer = await house.read.get(PATH)
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"]
        ill.clear()
        assert (await house.read.get(PATH)).content == BODY


async def test_bytes_that_vanished_are_503_and_not_an_empty_image(house: House) -> None:
    await house.complete()
    await house.archive()
    [path] = house.parts.settings.storage_root.rglob("0-*.png")
    path.unlink()
    answer = await house.read.get(PATH)
    assert_problem(answer, 503, "unavailable")
    assert "missing" in answer.json()["detail"]

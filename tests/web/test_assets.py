"""`/v1/assets`: listed, looked at, deleted for good."""

import asyncio
import json
from pathlib import Path

import pytest

from service.domain.attempt import Failed, Failure
from tests.support.app import PUBLIC_URL, House, assert_problem, serving
from tests.support.deliveries import LINK, TASK, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, picture

ID = f"{TASK}.0"
TWO = ["https://files.evolink.ai/a/0.png", "https://files.evolink.ai/a/1.png"]
FIELDS = """
    id task_id index status reason detail url_host attempts next_attempt_at deadline sha256 bytes format media_type
    width height object_key archived_at details content_url thumbnail_url
"""


def files(house: House) -> set[str]:
    """The keys of the images that lie in the archive."""
    root = house.parts.settings.storage_root
    found = (path for path in root.rglob("*") if path.is_file() and path.name != "task.json")
    return {path.relative_to(root).as_posix() for path in found}


def sidecar(house: House, task_id: str = TASK) -> dict[str, object]:
    [path] = house.parts.settings.storage_root.rglob(f"{task_id}/task.json")
    document: dict[str, object] = json.loads(path.read_bytes())
    return document


async def test_an_archived_asset_says_all_about_its_bytes(house: House) -> None:
    await house.complete()
    await house.archive()
    [listed] = (await house.json("/v1/assets"))["items"]
    one = await house.json(f"/v1/assets/{ID}")
    assert listed == one
    assert set(one) == {*FIELDS.split()}
    assert (one["status"], one["bytes"], one["format"], one["media_type"], one["width"], one["height"]) == (
        "archived",
        len(picture(LINK)),
        "png",
        "image/png",
        8,
        6,
    )
    assert one["content_url"] == f"{PUBLIC_URL}/v1/assets/{ID}/content"
    assert one["object_key"].startswith("evolink/20")
    assert one["object_key"].endswith(f"{TASK}/0-{one['sha256'][:12]}.png")
    assert LINK not in json.dumps(one)


async def test_a_failed_attempt_shows_why_and_when_it_goes_on(house: House) -> None:
    await house.complete()
    await house.archive({LINK: Failed(Failure.HTTP_STATUS, "answered 502")})
    one = await house.json(f"/v1/assets/{ID}")
    assert (one["status"], one["attempts"], one["detail"], one["sha256"]) == ("pending", 1, "answered 502", None)
    assert one["next_attempt_at"].endswith("Z")


async def test_filters_narrow_the_list(house: House) -> None:
    await house.complete("task-a")
    await house.archive()
    await house.complete("task-b", results=TWO)
    for query, expected in (
        ({"status": "archived"}, ["task-a.0"]),
        ({"status": "pending"}, ["task-b.1", "task-b.0"]),
        ({"task_id": "task-b"}, ["task-b.1", "task-b.0"]),
        ({"format": "png"}, ["task-a.0"]),
        ({"format": "webp"}, []),
    ):
        found = await house.json("/v1/assets", **query)
        assert [asset["id"] for asset in found["items"]] == expected, query


@pytest.mark.parametrize("asset_id", [f"{TASK}.1", TASK, f"{TASK}.", f"{TASK}.x", f"{TASK}.99999", ".0", "x.\u00b2"])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_asset_is_404_everywhere(archived: House, asset_id: str) -> None:
    path = f"/v1/assets/{asset_id}"
    for method, target in (
        ("GET", path),
        ("DELETE", path),
        ("GET", f"{path}/content"),
        ("POST", f"{path}/links"),
        ("GET", f"{path}/links"),
        ("DELETE", f"{path}/links/x"),
    ):
        assert_problem(await archived.admin.request(method, target), 404, "asset_not_found")


async def test_a_deleted_asset_is_gone_with_its_file_and_nothing_else(house: House) -> None:
    await house.complete(results=TWO)
    await house.complete("task-other")
    await house.archive()
    before = files(house)
    assert len(before) == 3
    mine = (await house.json(f"/v1/assets/{ID}"))["object_key"]
    answer = await house.admin.delete(f"/v1/assets/{ID}")
    assert (answer.status_code, answer.content) == (204, b"")
    await house.purge()
    assert before - files(house) == {mine}
    assert_problem(await house.read.get(f"/v1/assets/{ID}/content"), 410, "asset_deleted")
    one = await house.json(f"/v1/assets/{ID}")
    assert (one["status"], one["object_key"], one["content_url"]) == ("deleted", None, None)
    for kept in (f"{TASK}.1", "task-other.0"):
        assert (await house.read.get(f"/v1/assets/{kept}/content")).status_code == 200
    assert sidecar(house)["tombstones"] == [0]
    assert (await house.admin.delete(f"/v1/assets/{ID}")).status_code == 204


async def test_nothing_brings_a_deleted_asset_back(house: House) -> None:
    path = await house.mint()
    await house.call_back(task_object(), path=path)
    await house.archive()
    await house.admin.delete(f"/v1/assets/{ID}")
    await house.purge()
    for later in (task_object(results=[f"{LINK}?fresh"]), task_object("failed"), task_object()):
        await house.call_back(later, path=path)
        await house.archive()
    assert (await house.json(f"/v1/assets/{ID}"))["status"] == "deleted"
    assert files(house) == set()
    assert sidecar(house)["tombstones"] == [0]


async def test_an_asset_that_waits_is_deleted_before_it_was_ever_fetched(house: House) -> None:
    await house.complete()
    assert (await house.admin.delete(f"/v1/assets/{ID}")).status_code == 204
    await house.archive()
    assert files(house) == set()
    task = await house.json(f"/v1/tasks/{TASK}")
    assert task["settled_at"] is not None


async def test_deleting_while_a_fetch_is_under_way_leaves_no_bytes(house: House) -> None:
    await house.complete()
    parts, gate = house.parts, asyncio.Event()
    fetcher = FakeFetcher(parts.store.staging, gate=gate)
    attempt = asyncio.create_task(archive_due(archiver_for(parts.catalog, parts.store, fetcher)))
    await fetcher.began.wait()
    assert (await house.admin.delete(f"/v1/assets/{ID}")).status_code == 204
    gate.set()
    await attempt
    await house.purge()
    assert files(house) == set()
    one = await house.json(f"/v1/assets/{ID}")
    assert (one["status"], one["attempts"]) == ("deleted", 0)


async def test_deleting_goes_on_without_room_for_new_images(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.complete()
        await house.archive()
    async with serving(tmp_path, storage={"min_free_bytes": 1 << 60}) as house:
        assert (await house.read.get(f"/v1/assets/{ID}/content")).status_code == 200
        assert (await house.admin.delete(f"/v1/assets/{ID}")).status_code == 204
        await house.purge()
        assert files(house) == set()

"""`/v1/export`: everything that a filter finds, as lines, as a table, or as a ZIP with a manifest."""

import csv
import io
import json
import subprocess
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from service.upkeep.export_text import IMAGE_COLUMNS, TASK_COLUMNS
from tests.support.app import House, assert_problem, serving
from tests.support.memory_store import MemoryStore

LINKS = [f"https://files.evolink.ai/b/{index}.png" for index in range(3)]
FORMULA = '=HYPERLINK("https://evil.example")'


async def fill(house: House) -> None:
    """A task with one image and one with three, archived; and one that waits."""
    told = {"id": "task-a", "prompt": FORMULA, "tags": {"team": "a"}}
    assert (await house.write.post("/v1/tasks", json=told)).is_success
    await house.complete("task-a")
    await house.archive()
    await house.complete("task-b", results=LINKS)
    await house.archive()
    await house.complete("task-c", results=["https://files.evolink.ai/c/0.png"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A service with images, for tests that only look at them."""
    async with serving(tmp_path_factory.mktemp("filled")) as opened:
        await fill(opened)
        yield opened


async def export(house: House, form: str, **query: Any) -> httpx.Response:
    answer = await house.read.get("/v1/export", params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    return answer


async def lines(house: House, **query: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await export(house, "ndjson", **query)).text.splitlines()]


async def rows(house: House, **query: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO((await export(house, "csv", **query)).text, newline="")))


async def archive(house: House, **query: Any) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO((await export(house, "zip", **query)).content))


def checked(unpacked: zipfile.ZipFile, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `sha256sum -c` says of the unpacked archive."""
    unpacked.extractall(folder)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.asyncio(loop_scope="module")
async def test_lines_are_the_list_with_what_tasks_say_then_cursors_and_an_end(filled: House) -> None:
    *items, last = await lines(filled)
    listed = (await filled.json("/v1/assets"))["items"]
    assert [{name: item[name] for name in listed[0]} for item in items] == listed
    assert last == {"next": None, "count": 5}
    assert (items[-1]["prompt"], items[-1]["tags"]) == (FORMULA, {"team": "a"})


@pytest.mark.asyncio(loop_scope="module")
async def test_tasks_are_exported_as_they_are_listed(filled: House) -> None:
    *items, last = await lines(filled, of="tasks")
    listed = (await filled.json("/v1/tasks"))["items"]
    assert [{name: item[name] for name in listed[0]} for item in items] == listed
    assert last["count"] == 3


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "archived", "sort": "oldest"}, ["task-a.0", "task-b.0", "task-b.1", "task-b.2"]),
        ({"q": "hyperlink"}, ["task-a.0"]),
        ({"image_format": "webp"}, []),
        ({"tag": ["team:a", "team"]}, ["task-a.0"]),
        ({"id": ["task-b.2", "task-a.0", "task-b.2", "task-b.9"]}, ["task-b.2", "task-a.0"]),
        ({"task_id": "task-b", "limit": "2"}, ["task-b.2", "task-b.1"]),
        ({"received_before": "2020-01-01T00:00:00Z"}, []),
    ],
)
async def test_every_filter_and_order_of_the_list_holds(
    filled: House, query: dict[str, Any], expected: list[str]
) -> None:
    *items, last = await lines(filled, **query)
    assert [item["id"] for item in items] == expected
    assert last["count"] == len(expected)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("sort", ["newest", "oldest", "largest"])
async def test_what_was_cut_off_goes_on_after_any_line(filled: House, sort: str) -> None:
    *whole, _ = await lines(filled, status="archived", sort=sort)
    for place, line in enumerate(whole):
        *rest, last = await lines(filled, status="archived", sort=sort, cursor=line["cursor"])
        assert rest == whole[place + 1 :]
        assert last == {"next": None, "count": len(rest)}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_limit_says_where_to_go_on(filled: House) -> None:
    *first, last = await lines(filled, limit=3)
    *second, end = await lines(filled, limit=3, cursor=last["next"])
    assert (len(first), len(second), end["next"]) == (3, 2, None)
    assert last["next"] == first[-1]["cursor"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_table_has_its_columns_and_no_formula(filled: House) -> None:
    heading, *items = await rows(filled)
    assert heading == [*IMAGE_COLUMNS]
    last = dict(zip(heading, items[-1], strict=True))
    assert (last["id"], last["prompt"], last["tags"]) == ("task-a.0", f"'{FORMULA}", '{"team":"a"}')
    assert await rows(filled, cursor=dict(zip(heading, items[1], strict=True))["cursor"]) == items[2:]
    assert await rows(filled, cursor=last["cursor"]) == []
    heading, *tasks = await rows(filled, of="tasks")
    assert heading == [*TASK_COLUMNS]
    assert tasks[1][heading.index("assets")] == '["task-b.0","task-b.1","task-b.2"]'


async def test_a_table_tells_of_holds_as_maps(house: House) -> None:
    await fill(house)
    assert (await house.admin.put("/v1/tasks/task-a/hold", json={"reason": "a claim"})).is_success
    heading, *tasks = await rows(house, of="tasks")
    holds = [dict(zip(heading, one, strict=True))["hold"] for one in tasks]
    assert holds[:2] == ["", ""]
    assert json.loads(holds[2]) == (await house.json("/v1/tasks/task-a"))["hold"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_archive_has_each_image_its_sidecars_and_a_manifest_that_holds(filled: House, tmp_path: Path) -> None:
    unpacked = await archive(filled)
    images = (await filled.json("/v1/assets", status="archived"))["items"]
    folders = {image["object_key"].rpartition("/")[0] for image in images}
    own = {"SHA256SUMS", "export.json"}
    names = [image["object_key"] for image in images] + [f"{folder}/task.json" for folder in folders]
    assert sorted(unpacked.namelist()) == sorted([*names, *own])
    assert unpacked.testzip() is None
    done = checked(unpacked, tmp_path)
    assert (done.returncode, done.stdout.count(": OK")) == (0, len(names) + 1), done.stderr
    summary = json.loads(unpacked.read("export.json"))
    assert (summary["images"], summary["next"], summary["left_out"]) == (4, None, 0)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_archive_of_the_same_is_the_same_to_the_byte(filled: House) -> None:
    first, second = [(await export(filled, "zip", sort="largest")).content for _ in range(2)]
    assert first == second


@pytest.mark.asyncio(loop_scope="module")
async def test_an_archive_of_picked_images_has_those_alone(filled: House) -> None:
    names = (await archive(filled, id=["task-b.0", "task-b.2", "task-c.0"])).namelist()
    assert sorted(name.rpartition("/")[2][:2] for name in names if name.endswith(".png")) == ["0-", "2-"]


@pytest.mark.asyncio(loop_scope="module")
async def test_archives_of_so_many_images_go_on_from_what_each_says(filled: House) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = await archive(filled, limit=3, **cursor)
        found += [name for name in part.namelist() if name.endswith(".png")]
        following = json.loads(part.read("export.json"))["next"]
        if following is None:
            break
        cursor = {"cursor": following}
    assert len(found) == len(set(found)) == 4


@pytest.mark.asyncio(loop_scope="module")
async def test_a_reader_gets_no_link_nor_token_nor_answer_of_the_provider(filled: House) -> None:
    archived = await archive(filled)
    exported = [(await export(filled, form, of=of)).text for form in ("ndjson", "csv") for of in ("assets", "tasks")]
    exported += [archived.read(name).decode() for name in archived.namelist() if not name.endswith(".png")]
    tokens = {callback["token_id"] for callback in (await filled.json("/v1/callbacks"))["items"]}
    assert len(tokens) == 3
    for text in exported:
        assert "https://files.evolink.ai/" not in text
        assert not any(token in text for token in tokens)


@pytest.mark.asyncio(loop_scope="module")
async def test_whole_sidecars_are_those_of_the_archive_and_for_admins(filled: House) -> None:
    query = {"format": "zip", "sidecars": "whole"}
    assert_problem(await filled.write.get("/v1/export", params=query), 403, "forbidden")
    unpacked = zipfile.ZipFile(io.BytesIO((await filled.admin.get("/v1/export", params=query)).content))
    root = filled.parts.settings.storage_root
    sidecars = [name for name in unpacked.namelist() if name.endswith("task.json")]
    assert len(sidecars) == 2
    for name in sidecars:
        assert unpacked.read(name) == (root / name).read_bytes()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ({}, "invalid_parameter", "format has to be given"),
        ({"format": "xml"}, "invalid_parameter", "format takes"),
        ({"format": "csv", "of": "keys"}, "invalid_parameter", "of takes one of assets, tasks"),
        ({"format": "csv", "colour": "red"}, "unknown_parameter", "'colour' is not a parameter of an export"),
        ({"format": "csv", "of": "tasks", "host": "x"}, "unknown_parameter", "host"),
        ({"format": "csv", "of": "tasks", "id": "task-a.0"}, "unknown_parameter", "'id' is not a parameter"),
        ({"format": "csv", "format ": "zip"}, "unknown_parameter", "format"),
        ({"format": ["csv", "zip"]}, "repeated_parameter", "format"),
        ({"format": "csv", "limit": "0"}, "invalid_limit", "limit"),
        ({"format": "csv", "cursor": "x"}, "invalid_cursor", "cursor"),
        ({"format": "csv", "sidecars": "whole"}, "invalid_parameter", "sidecars are in a ZIP only"),
        ({"format": "zip", "of": "tasks"}, "invalid_parameter", "a ZIP goes by images"),
        ({"format": "zip", "status": "pending"}, "invalid_parameter", "status=archived"),
        ({"format": "zip", "image_format": "gif"}, "invalid_parameter", "format takes one of png, jpeg, webp"),
        ({"format": "zip", "sort": "best"}, "invalid_parameter", "sort takes one of"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    filled: House, query: dict[str, Any], code: str, says: str
) -> None:
    answer = await filled.read.get("/v1/export", params=query)
    assert_problem(answer, 400, code)
    assert says in answer.json()["detail"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("form", ["ndjson", "csv", "zip"])
async def test_head_is_the_answer_without_its_body(filled: House, form: str) -> None:
    query = {"format": form}
    head, get = [await filled.read.request(method, "/v1/export", params=query) for method in ("HEAD", "GET")]
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "cache-control", "content-length"):
        assert head.headers.get(name) == get.headers.get(name)
    assert head.headers["content-disposition"].startswith('attachment; filename="darkroom-')
    assert_problem(await filled.read.head("/v1/export", params={"format": "x"}), 400, "invalid_parameter")


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_found_is_a_whole_export_too(filled: House, tmp_path: Path) -> None:
    query = {"ref": "nobody"}
    assert await lines(filled, **query) == [{"next": None, "count": 0}]
    assert await rows(filled, **query) == [[*IMAGE_COLUMNS]]
    assert checked(await archive(filled, **query), tmp_path).returncode == 0


async def test_a_damaged_or_lost_image_is_left_out_and_missed_by_the_manifest(house: House, tmp_path: Path) -> None:
    await fill(house)
    images = (await house.json("/v1/assets", status="archived"))["items"]
    root = house.parts.settings.storage_root
    (root / images[0]["object_key"]).write_bytes(b"x" * images[0]["bytes"])
    (root / images[1]["object_key"]).unlink()
    (root / images[3]["object_key"]).write_bytes(b"short")
    unpacked = await archive(house)
    summary = json.loads(unpacked.read("export.json"))
    assert (summary["images"], summary["left_out"]) == (1, 3)
    assert [(one["asset_id"], one["kind"]) for one in summary["left_out_first"]] == [
        (images[0]["id"], "wrong_hash"),
        (images[1]["id"], "missing"),
        (images[3]["id"], "wrong_size"),
    ]
    done = checked(unpacked, tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("FAILED open or read") == 3


async def test_a_store_that_falls_ill_cuts_the_archive_off(tmp_path: Path) -> None:
    ill = False

    def after_two(verb: str, key: str) -> str | None:
        return "away" if ill and verb in ("read", "list") and "task-a" in key else None

    store = MemoryStore(tmp_path, ill=after_two)
    async with serving(tmp_path / "house", store=store) as house:
        await house.complete("task-a")
        await house.complete("task-b", results=LINKS)
        await house.archive({link: link.encode() * 20_000 for link in LINKS})
        ill = True
        with pytest.raises(AssertionError):  # the transport's: an answer that never came to its end
            await house.read.get("/v1/export", params={"format": "zip"})
        only = {"format": "zip", "task_id": "task-a"}
        assert_problem(await house.read.get("/v1/export", params=only), 503, "unavailable")
        ill = False
        for _ in range(8):  # nothing kept a place
            assert len((await archive(house)).namelist()) == 8

"""That the kernel is really asked to make things durable, and in the right order: the system calls, seen by strace.

A power cut cannot be tested here; the order of fsync and rename can.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

SCRIPT = """
import asyncio, pathlib, sys
from service.storage.filesystem import FilesystemStore

async def main():
    root = pathlib.Path(sys.argv[1])
    store = FilesystemStore(root)
    store.open()
    (store.staging / "staged").write_bytes(b"image")
    mark("put")
    await store.put("day/task/0.png", store.staging / "staged")
    mark("replace")
    await store.replace("day/task/task.json", b"{}")
    mark("delete")
    await store.delete("day/task/0.png")
    mark("delete what is gone")
    await store.delete("day/task/0.png")
    mark("somebody makes folders")
    (root / "left" / "behind").mkdir(parents=True)
    mark("replace in them")
    await store.replace("left/behind/task.json", b"{}")
    mark("replace again")
    await store.replace("left/behind/task.json", b"{}")
    mark("somebody makes a folder")
    (root / "half").mkdir()
    mark("replace below it")
    await store.replace("half/task/task.json", b"{}")
    mark("end")

def mark(name):
    pathlib.Path("/mark/" + name).exists()

asyncio.run(main())
"""
CALL = re.compile(r"\d+ +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
TRACED = "trace=fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,stat,newfstatat,statx"


@cache
def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The system calls of each verb, as `name path path` below the root; failed ones are left out."""
    if not strace_works():
        pytest.skip("strace is missing or may not trace here")
    folder = tmp_path_factory.mktemp("durability").resolve()
    log = folder / "strace"
    command = ["strace", "-f", "-y", "-s", "4096", "-e", TRACED, "-o", str(log)]
    subprocess.run([*command, sys.executable, "-c", SCRIPT, str(folder / "data" / "archive")], check=True, timeout=60)
    return by_verb(log.read_text().splitlines(), folder)


def by_verb(lines: Sequence[str], folder: Path) -> dict[str, list[str]]:
    verb, found = "open", {"open": list[str]()}
    for line in lines:
        marked = re.search(r'"/mark/([^"]+)"', line)
        if marked:
            verb = marked[1]
            found[verb] = []
        call = CALL.match(line)
        if call is None or call["result"] != "0" or "stat" in call["name"]:
            continue
        paths = re.findall(rf"{re.escape(str(folder))}/?([^\">,]*)", call["arguments"])
        name = call["name"].removesuffix("at2").removesuffix("at")
        if paths:
            found[verb].append(" ".join([name, *(anonymous(path) for path in paths)]))
    return found


def anonymous(path: str) -> str:
    return re.sub(r"\.staging/[0-9a-f]{32}", ".staging/*", path) or "."


def test_a_new_archive_is_durable_with_every_folder_above_it(calls: dict[str, list[str]]) -> None:
    assert calls["open"] == [
        "mkdir data",
        "fsync .",
        "mkdir data/archive",
        "fsync data",
        "fsync data",  # again, as for a folder that somebody else may have made and not come to sync
        "mkdir data/archive/.staging",
        "fsync data/archive",
    ]


def test_put_syncs_the_file_then_the_new_folders_then_renames_then_syncs_the_folder(
    calls: dict[str, list[str]],
) -> None:
    assert calls["put"] == [
        "fsync data/archive/.staging/staged",
        "mkdir data/archive/day",
        "fsync data/archive",
        "mkdir data/archive/day/task",
        "fsync data/archive/day",
        "rename data/archive/.staging/staged data/archive/day/task/0.png",
        "fsync data/archive/day/task",
    ]


def test_replace_syncs_the_new_document_before_it_takes_the_name(calls: dict[str, list[str]]) -> None:
    assert calls["replace"] == [
        "fsync data/archive/.staging/*",
        "rename data/archive/.staging/* data/archive/day/task/task.json",
        "fsync data/archive/day/task",
    ]


def test_delete_is_durable(calls: dict[str, list[str]]) -> None:
    assert calls["delete"] == ["unlink data/archive/day/task/0.png", "fsync data/archive/day/task"]


def test_deleting_what_is_gone_makes_its_absence_durable(calls: dict[str, list[str]]) -> None:
    assert calls["delete what is gone"] == ["fsync data/archive/day/task"]


def test_folders_that_a_crash_left_behind_are_made_durable_once(calls: dict[str, list[str]]) -> None:
    rename = "rename data/archive/.staging/* data/archive/left/behind/task.json"
    last = [rename, "fsync data/archive/left/behind"]
    folders = ["fsync data/archive", "fsync data/archive/left"]
    assert calls["replace in them"] == ["fsync data/archive/.staging/*", *folders, *last]
    assert calls["replace again"] == ["fsync data/archive/.staging/*", *last]


def test_nothing_is_made_in_a_folder_that_was_left_behind_before_its_name_is_durable(
    calls: dict[str, list[str]],
) -> None:
    assert calls["replace below it"] == [
        "fsync data/archive/.staging/*",
        "fsync data/archive",
        "mkdir data/archive/half/task",
        "fsync data/archive/half",
        "rename data/archive/.staging/* data/archive/half/task/task.json",
        "fsync data/archive/half/task",
    ]

"""Ten thousand images exported by the real server and the real command: whole, in constant memory, whatever happens."""

import asyncio
import csv
import hashlib
import io
import json
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from service.catalog.catalog import Catalog
from service.storage.filesystem import FilesystemStore
from tests.support.migrated import put_migrated
from tests.support.packages import require
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import free_port
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.settings import KEY, list_setting
from tests.system.support.small_disk import mounted
from tests.system.support.waiting import eventually
from tests.upkeep.ten_thousand import IMAGES, TASKS, fill

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

MAY_GROW = 40
"""MiB of the server over one export: two images of 8, what the system's allocator keeps, and a bit for each task."""

AT_ONCE = 4


@dataclass(slots=True)
class Resident:
    """MiB of memory of a process, as it was and at its highest."""

    before: float = 0.0
    highest: float = 0.0

    @property
    def grown(self) -> float:
        return self.highest - self.before


@contextmanager
def watched(pid: int) -> Iterator[Resident]:
    """Looks at a process fifty times a second."""
    found, ended = Resident(before=_resident(pid)), threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            found.highest = max(found.highest, _resident(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _resident(pid: int) -> float:
    try:
        [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")]
    except (OSError, ValueError):
        return 0.0
    return int(line.split()[1]) / 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Darkroom]:
    folder = tmp_path_factory.mktemp("ten-thousand")
    (folder / "data").mkdir()
    catalog = Catalog(put_migrated(folder / "data" / "darkroom.db"))
    catalog.open()
    FilesystemStore(folder / "data" / "archive").open()
    await fill(catalog, folder / "data" / "archive")
    catalog.close()
    port = free_port()
    settings = {
        "DATA_DIR": str(folder / "data"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SERVER__PORT": str(port),
        "ROLES": "receiver,api",
        "CALLBACKS__SECRETS": list_setting("a signing secret of more than 32 characters"),
        "API_KEYS": list_setting({"name": "tests", "key": KEY, "scopes": ["admin"]}),
        "STORAGE__MIN_FREE_BYTES": "16 MiB",
    }
    made = Darkroom(folder=folder, settings=settings, tls=None)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def unzip(request: pytest.FixtureRequest) -> None:
    require(request, {"unzip": "unzip"})


def pid_of(service: Darkroom) -> int:
    assert service._process is not None
    return service._process.pid


async def given_up(service: Darkroom, number: int) -> bool | None:
    """Whether so many exports ended, as their callers had gone away."""
    return service.log.count("the caller went away") >= number or None


@asynccontextmanager
async def begun(service: Darkroom) -> AsyncIterator[list[int]]:
    """As many exports as there may be, begun and left lying; how each was answered. They are dropped in the end."""
    statuses, writers = [], []
    for _ in range(AT_ONCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=2**12)
        writer.write(f"GET /v1/export?format=zip HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        statuses.append(int((await reader.readline()).split()[1]))
        writers.append(writer)
    try:
        yield statuses
    finally:
        for writer in writers:
            writer.transport.abort()


async def download(service: Darkroom, to: Path, **query: str) -> None:
    with to.open("wb") as file:
        async with service.api.client.stream("GET", "/v1/export", params=query) as answer:
            assert answer.status_code == 200
            async for block in answer.aiter_bytes():
                file.write(block)


def assert_checked(archive: Path, folder: Path) -> None:
    """`unzip` and `sha256sum -c` find all of it, and nothing wrong."""
    subprocess.run(["unzip", "-q", str(archive), "-d", str(folder)], check=True)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(list(folder.rglob("*.png"))) == IMAGES
    assert len(list(folder.rglob("task.json"))) == TASKS
    listed = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == IMAGES + TASKS + 1


@pytest.mark.usefixtures("unzip")
async def test_a_zip_of_all_is_made_in_constant_memory_and_its_manifest_holds(
    service: Darkroom, tmp_path: Path
) -> None:
    await download(service, tmp_path / "warm.ndjson", format="ndjson", limit="500")
    with watched(pid_of(service)) as resident:
        began = time.monotonic()
        await download(service, tmp_path / "all.zip", format="zip")
        seconds = time.monotonic() - began
    size = (tmp_path / "all.zip").stat().st_size / 2**20
    print(f"{size:.0f} MiB in {seconds:.1f} s; {resident.before:.0f} MiB of memory before, {resident.grown:.1f} more")
    assert_checked(tmp_path / "all.zip", tmp_path / "unpacked")
    assert resident.grown < MAY_GROW


async def test_lines_and_rows_of_all_are_made_in_constant_memory(service: Darkroom, tmp_path: Path) -> None:
    with watched(pid_of(service)) as resident:
        for form in ("ndjson", "csv"):
            for of in ("assets", "tasks"):
                await download(service, tmp_path / f"{of}.{form}", format=form, of=of)
    assert resident.grown < MAY_GROW
    for of, number in (("assets", IMAGES), ("tasks", TASKS)):
        *lines, last = (tmp_path / f"{of}.ndjson").read_text("utf-8").splitlines()
        assert (len(lines), json.loads(last)) == (number, {"next": None, "count": number})
        with (tmp_path / f"{of}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert [row[0] for row in rows[1:]] == [json.loads(line)["id"] for line in lines]


async def test_a_callback_is_answered_as_soon_as_ever_while_exports_run(service: Darkroom, tmp_path: Path) -> None:
    url = await service.api.mint()

    async def slowest(seconds: float) -> list[float]:
        taken, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            answer = await call_back(service.api.client, url, task_object(new_task_id(), status="processing"))
            assert answer.status_code == 202
            taken.append(time.monotonic() - began)
            await asyncio.sleep(0.01)
        return sorted(taken)

    alone = await slowest(3)
    running = [asyncio.create_task(download(service, tmp_path / f"{n}.zip", format="zip")) for n in range(AT_ONCE)]
    beside = await slowest(3)
    assert not any(one.done() for one in running), "the exports were over before they could be in the way"
    for one in running:
        one.cancel()
    await asyncio.wait(running)
    await eventually(partial(given_up, service, AT_ONCE), what="the server has noticed")
    for name, taken in (("alone", alone), ("beside", beside)):
        print(f"{name}: {len(taken)}, median {taken[len(taken) // 2]:.4f} s, slowest {taken[-1]:.3f} s")
    assert beside[-1] < 2.0


async def test_callers_that_go_away_or_take_nothing_keep_no_place_and_no_file(service: Darkroom) -> None:
    files = Path(f"/proc/{pid_of(service)}/fd")

    async def settled() -> bool | None:
        return len(list(files.iterdir())) <= before + 2 or None

    before, ended = len(list(files.iterdir())), service.log.count("the caller went away")
    for round_ in range(1, 4):
        async with begun(service) as statuses:
            assert statuses == [200] * AT_ONCE
            refused = await service.api.client.get("/v1/export", params={"format": "zip"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
        await eventually(partial(given_up, service, ended + round_ * AT_ONCE), what="the server has noticed")
        await eventually(settled, what="files and connections are closed")


async def cut_off(service: Darkroom, form: str) -> bytes:
    """What came of an export until the server was killed."""
    got = b""
    try:
        async with service.api.client.stream("GET", "/v1/export", params={"format": form}) as answer:
            async for block in answer.aiter_bytes(65536):
                if not got:
                    await service.kill()
                got += block
    except httpx.TransportError:
        return got
    raise AssertionError("an export that was cut off looked whole")


async def test_a_server_killed_in_the_middle_leaves_nothing_that_looks_whole_and_a_cursor_goes_on(
    service: Darkroom, tmp_path: Path
) -> None:
    whole = (await service.api.client.get("/v1/export", params={"format": "ndjson"})).text.splitlines()
    for form in ("zip", "ndjson"):
        got = await cut_off(service, form)
        if form == "zip":
            with pytest.raises(zipfile.BadZipFile):
                zipfile.ZipFile(io.BytesIO(got))
        await service.start()
    lines = got.decode("utf-8", errors="ignore").split("\n")[:-1]
    assert lines == whole[: len(lines)]
    assert '"next"' not in lines[-1]
    rest = await service.api.client.get(
        "/v1/export", params={"format": "ndjson", "cursor": json.loads(lines[-1])["cursor"]}
    )
    assert rest.text.splitlines()[:-1] == whole[len(lines) : -1]


@pytest.mark.usefixtures("unzip")
async def test_a_command_killed_again_and_again_makes_the_same_file_and_the_archive_anew(
    service: Darkroom, tmp_path: Path
) -> None:
    out = tmp_path / "all.zip"
    kills = 0
    while not out.exists():
        command = service.begin("export", "--to", str(out), "--sort", "largest")
        state = tmp_path / "all.zip.part.state"
        was = state.stat().st_mtime_ns if state.exists() else 0
        highest = 0.0
        while command.poll() is None:
            highest = max(highest, _resident(command.pid))
            if kills < 3 and state.exists() and state.stat().st_mtime_ns != was:
                command.send_signal(signal.SIGKILL)
                kills += 1
                break
            await asyncio.sleep(0.02)
        said = await asyncio.to_thread(command.communicate)
        assert command.returncode in (0, -signal.SIGKILL), said
    print(f"{kills} kills; the command took {highest:.0f} MiB of memory")
    assert kills
    again = service.begin("export", "--to", str(tmp_path / "again.zip"), "--sort", "largest", "--json")
    told, _ = await asyncio.to_thread(again.communicate)
    assert json.loads(told)["exported"]["rows"] == IMAGES
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (out, tmp_path / "again.zip")]
    assert hashes[0] == hashes[1]
    assert_checked(out, tmp_path / "archive")
    for name in ("SHA256SUMS", "export.json"):
        (tmp_path / "archive" / name).unlink()
    rebuilding = Darkroom(
        folder=service.folder,
        settings={
            **service.settings,
            "DATA_DIR": str(tmp_path / "new"),
            "STORAGE__URL": f"file://{tmp_path / 'archive'}",
        },
        tls=None,
    )
    told, _ = await asyncio.to_thread(rebuilding.begin("rebuild", "--json").communicate)
    await rebuilding.close()
    assert (json.loads(told)["ok"], json.loads(told)["rebuilt"]["archived"]) == (True, IMAGES)


async def test_a_full_disk_is_told_of_and_the_file_goes_on_when_there_is_room(
    service: Darkroom, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    disk = mounted(tmp_path / "disk", 16)
    if disk is None:
        pytest.skip("needs root, to have a disk that can be filled")
    try:
        disk.fill(leave=3 * 2**20)
        arguments = ("export", "--to", str(disk.path / "some.zip"), "--limit", "300")
        full = await service.run(*arguments)
        assert full.returncode == 1
        assert "some.zip cannot be written: No space left on device; run again" in full.stderr
        disk.empty()
        done = await service.run(*arguments, "--json")
        assert (done.returncode, json.loads(done.stdout)["exported"]["rows"]) == (0, 300), done.stderr
        with zipfile.ZipFile(disk.path / "some.zip") as found:
            assert found.testzip() is None
    finally:
        disk.unmount()

"""`darkroom export`: files that are whole or not there, what it prints, and the exit code."""

import asyncio
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from tests.support.commands import Run, commands_in
from tests.support.migrated import put_migrated
from tests.upkeep.kept_archive import Archive, opened_archive

IDS = ("task-a", "task-b", "task-c")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with commands_in(tmp_path) as commands:
        yield commands


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with three tasks of two images each, to be copied."""
    folder = tmp_path_factory.mktemp("kept")
    catalog = Catalog(put_migrated(folder / "darkroom.db"))
    catalog.open()

    async def keep(archive: Archive) -> None:
        await archive.keep(*IDS, images=2)

    try:
        asyncio.run(keep(opened_archive(folder, catalog)))
    finally:
        catalog.close()
    return folder


@pytest.fixture
def data(tmp_path: Path, kept: Path) -> Path:
    return shutil.copytree(kept, tmp_path / "data")


def images(data: Path) -> list[Path]:
    return sorted(data.rglob("archive/evolink/**/*.png"))


@pytest.mark.usefixtures("data")
def test_a_zip_holds_the_archive_as_it_is(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("export", "--to", "out.zip", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["ok"]
    size = (tmp_path / "out.zip").stat().st_size
    assert told["exported"] == {"rows": 6, "bytes": size}
    assert (told["file"], told["next"]) == (str(tmp_path / "out.zip"), None)
    zipfile.ZipFile(tmp_path / "out.zip").extractall(tmp_path / "unpacked")
    archived = {path.relative_to(data / "archive"): path.read_bytes() for path in data.glob("archive/evolink/**/*.*")}
    assert len(archived) == 9
    for name, content in archived.items():
        assert (tmp_path / "unpacked" / name).read_bytes() == content
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "unpacked", check=False)
    assert checked.returncode == 0
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.zip"]


@pytest.mark.usefixtures("data")
def test_filters_have_the_names_of_the_api_and_a_folder_gets_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    done = run("export", "--to", "to", "--format", "ndjson", "--task-id", "task-b", "--sort", "oldest", "--limit", "1")
    assert done.exit_code == 0, done.output
    line, last = [json.loads(line) for line in (tmp_path / "to" / "darkroom-assets.ndjson").read_text().splitlines()]
    assert (line["id"], last) == ("task-b.0", {"next": line["cursor"], "count": 1})


@pytest.mark.usefixtures("data")
def test_images_are_picked_by_their_ids(run: Run) -> None:
    done = run("export", "--to", "-", "--format", "csv", "--id", "task-b.1", "--id", "task-a.0")
    assert done.exit_code == 0, done.output
    assert [line.partition(",")[0] for line in done.stdout.splitlines()[1:]] == ["task-b.1", "task-a.0"]


@pytest.mark.usefixtures("data")
def test_standard_output_has_nothing_but_the_export(run: Run) -> None:
    done = run("export", "--to", "-", "--format", "csv", "--of", "tasks")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 4), done.output
    assert "all is well" in done.stderr
    done = run("export", "--to", "-", "--format", "zip")
    assert len(zipfile.ZipFile(io.BytesIO(done.stdout_bytes)).namelist()) == 11


def test_a_damaged_image_ends_it_with_1_and_is_named(run: Run, data: Path, tmp_path: Path) -> None:
    bad = images(data)[0]
    bad.write_bytes(b"\0" * bad.stat().st_size)
    done = run("export", "--to", "out.zip")
    assert done.exit_code == 1
    assert f"wrong_hash: {bad.relative_to(data / 'archive')}" in done.stdout
    assert len(zipfile.ZipFile(tmp_path / "out.zip").namelist()) == 10


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--to", "out.txt"), "--format takes one of"),
        (("--to", "out.csv", "--sort", "best"), "sort takes one of"),
        (("--to", "out.zip", "--of", "tasks"), "a ZIP goes by images"),
        (("--to", "out.csv", "--received-after", "soon"), "received_after takes"),
        (("--to", "out.csv", "--id", "task-b"), "id takes ids of images"),
        (("--to", "out.csv", "--cursor", "x"), "cursor is not one that"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run("export", *arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.usefixtures("data")
def test_no_file_is_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("mine")
    done = run("export", "--to", "out.csv")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "exists already" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.usefixtures("data")
def test_a_place_that_takes_nothing_is_told_in_a_line(run: Run) -> None:
    done = run("export", "--to", "/dev/full/out.csv")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "cannot be written: Not a directory" in done.stderr

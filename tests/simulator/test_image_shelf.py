import hashlib
from pathlib import Path

from service.domain.image import ImageFormat
from service.simulator.image_shelf import ImageShelf
from service.simulator.images import Picture, render

PICTURES = [Picture(f"{number:032x}", 1024, 640, ImageFormat.JPEG) for number in range(4)]


async def test_an_image_is_drawn_once_and_then_read_from_disk(tmp_path: Path) -> None:
    async with ImageShelf(tmp_path, most_bytes=10**7) as shelf:
        first = await shelf.read(PICTURES[0])
        (tmp_path / PICTURES[0].file_name).write_bytes(b"from disk")
        assert first == render(PICTURES[0])
        assert await shelf.read(PICTURES[0]) == b"from disk"


async def test_measuring_tells_hash_and_size_of_the_true_bytes(tmp_path: Path) -> None:
    async with ImageShelf(tmp_path, most_bytes=10**7) as shelf:
        measured = await shelf.measure(PICTURES[0])
    assert measured.sha256 == hashlib.sha256(render(PICTURES[0])).hexdigest()
    assert measured.size == len(render(PICTURES[0]))


async def test_the_disk_is_bounded_and_a_dropped_image_comes_back_the_same(tmp_path: Path) -> None:
    room = sum(len(render(picture)) for picture in PICTURES[:2])
    async with ImageShelf(tmp_path, most_bytes=room) as shelf:
        first = await shelf.read(PICTURES[0])
        for picture in PICTURES[1:]:
            await shelf.read(picture)
            assert shelf.total == sum(file.stat().st_size for file in tmp_path.iterdir()) <= room
        assert not (tmp_path / PICTURES[0].file_name).exists()
        assert await shelf.read(PICTURES[0]) == first


async def test_a_disk_that_takes_nothing_costs_time_only(tmp_path: Path) -> None:
    async with ImageShelf(tmp_path / "absent", most_bytes=10**7) as shelf:
        assert await shelf.read(PICTURES[0]) == render(PICTURES[0])

"""The process that decodes may die of an image, and nothing else does."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from service.errors import Unavailable
from service.inspection.pixel_reader import PixelReader

HUNGRY = """
from service.inspection import pixel_process, pixels
pixels.LARGEST, pixel_process.MEMORY = 10**9, 120 * 2**20
pixel_process.main()
"""
SLOW = """
import sys, time
for line in sys.stdin:
    time.sleep(60 if "slow" in line else 0)
    print('{"told": {}}', flush=True)
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "image.png")
    return tmp_path / "image.png"


@asynccontextmanager
async def reading(program: str | None = None) -> AsyncIterator[PixelReader]:
    """A reader, whose process is this program in Python where one is given."""
    reader = PixelReader() if program is None else PixelReader((sys.executable, "-c", program))
    try:
        yield reader
    finally:
        await reader.close()


async def test_it_tells_what_the_pixels_tell_again_and_again(image: Path, tmp_path: Path) -> None:
    (tmp_path / "garbage.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(300))
    async with reading() as reader:
        first, broken, again = [await reader.look(one) for one in (image, tmp_path / "garbage.png", image)]
    assert isinstance(first, dict)
    assert first["average"] == "#008080"
    assert again == first
    assert isinstance(broken, str)
    assert broken.startswith("it cannot be decoded")
    assert str(tmp_path) not in broken


async def test_those_who_ask_at_once_get_their_own_answers(image: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "white").save(tmp_path / "white.png")
    async with reading() as reader:
        both = await asyncio.gather(reader.look(image), reader.look(tmp_path / "white.png"))
    assert [one["average"] for one in both if isinstance(one, dict)] == ["#008080", "#ffffff"]


async def test_a_bomb_ends_with_a_reason_and_the_next_image_is_read(image: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (6000, 6000)).save(tmp_path / "bomb.png", compress_level=1)
    async with reading(HUNGRY) as reader:
        assert await reader.look(tmp_path / "bomb.png") == "decoding it takes too much memory"
        assert isinstance(await reader.look(image), dict)


@pytest.mark.parametrize(
    ("died_of", "reason"),
    [
        (signal.SIGSEGV, "it crashes its decoder"),
        (signal.SIGALRM, "decoding it takes more than 20 s"),
        (signal.SIGKILL, "the process that decoded it was ended twice, perhaps for want of memory"),
    ],
)
async def test_what_kills_its_process_is_unreadable(image: Path, died_of: signal.Signals, reason: str) -> None:
    program = f"import os, sys; sys.stdin.readline(); os.kill(os.getpid(), {died_of.value})"
    async with reading(program) as reader:
        assert await reader.look(image) == reason


@pytest.mark.parametrize("answer", ["nonsense", "[]", "x" * 100_000, "[" * 60_000, '{"told": 7}'])
async def test_an_answer_that_makes_no_sense_makes_its_image_unreadable(image: Path, answer: str) -> None:
    program = f"import sys\nfor _ in sys.stdin: print({answer!r}, flush=True)"
    async with reading(program) as reader:
        assert isinstance(await reader.look(image), str)


@pytest.mark.long
async def test_a_process_that_falls_silent_is_ended(image: Path) -> None:
    async with reading("import os, sys, time; sys.stdin.readline(); os.close(1); time.sleep(99)") as reader:
        assert isinstance(await reader.look(image), str)


async def test_a_process_that_went_away_while_idle_is_started_again(image: Path) -> None:
    once = 'import sys; sys.stdin.readline(); print(\'{"told": {"n": 1}}\', flush=True)'
    async with reading(once) as reader:
        assert [await reader.look(image) for _ in range(3)] == [{"n": 1}] * 3


async def test_a_process_that_cannot_work_is_our_own_trouble(image: Path) -> None:
    async with reading("import sys; sys.exit(3)") as reader:
        with pytest.raises(Unavailable, match="ended with 3"):
            await reader.look(image)
    with pytest.raises(Unavailable):
        await PixelReader((str(image),)).look(image)


async def test_an_answer_that_nobody_waits_for_is_not_the_next_ones(image: Path) -> None:
    async with reading(SLOW) as reader:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader.look(image.with_name("slow"))
        assert await reader.look(image) == {}


async def test_the_process_knows_no_secret(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_EVOLINK__API_KEY", "secret")
    told = "import os, sys, json; sys.stdin.readline(); print(json.dumps({'told': dict(os.environ)}), flush=True)"
    async with reading(told) as reader:
        known = await reader.look(image)
    assert isinstance(known, dict)
    assert not [name for name in known if name.startswith("DARKROOM")]

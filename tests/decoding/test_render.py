"""What comes out of images, by a worker process as the service has them."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageCms

from service.decoding.frames import Thumbnail
from service.decoding.process import MOST_BYTES, WorkerProcess
from service.decoding.verdict import Unusable
from tests.decoding.feeding import blocks_of
from tests.support.hostile_images import SIDE, bombs, broken, encoded, noise, png, with_text_bomb, zeros

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHA256 = "ab" * 32


async def made(worker: WorkerProcess, image: bytes, size: int = 256) -> bytes | Unusable:
    return await worker.decode(Thumbnail(size, SHA256), blocks_of(image))


async def opened(worker: WorkerProcess, image: bytes, size: int = 256) -> Image.Image:
    thumbnail = await made(worker, image, size)
    assert isinstance(thumbnail, bytes), thumbnail
    found = Image.open(io.BytesIO(thumbnail))
    found.load()
    assert found.format == "WEBP"
    return found


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
async def test_the_longer_edge_is_as_long_as_was_asked_for(worker: WorkerProcess, format: str) -> None:
    assert (await opened(worker, encoded(noise((900, 600)), format))).size == (256, 171)
    assert (await opened(worker, encoded(noise((600, 900)), format), 512)).size == (341, 512)


async def test_a_small_image_is_not_enlarged(worker: WorkerProcess) -> None:
    assert (await opened(worker, encoded(noise((30, 20)), "PNG"))).size == (30, 20)
    assert (await opened(worker, encoded(noise((1, 1)), "PNG"))).size == (1, 1)


@pytest.mark.parametrize(("size", "small"), [((1, 50_000), (1, 256)), ((50_000, 1), (256, 1))])
async def test_a_thread_stays_one_pixel_wide(
    worker: WorkerProcess, size: tuple[int, int], small: tuple[int, int]
) -> None:
    assert (await opened(worker, encoded(Image.new("RGB", size), "PNG"))).size == small


async def test_it_stands_upright_and_says_nothing_of_the_originals_metadata(worker: WorkerProcess) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a secret"
    found = await opened(worker, encoded(noise(), "JPEG", exif=exif))
    assert found.size == (171, 256)
    assert not {"exif", "icc_profile"} & set(found.info)


async def test_it_says_inside_what_it_is_derived_from(worker: WorkerProcess) -> None:
    xmp = (await opened(worker, encoded(noise(), "WEBP", xmp=b"<secret/>"))).info["xmp"].decode()
    assert 'xmpMM:RenditionClass="thumbnail"' in xmp
    assert f'stRef:documentID="sha256:{SHA256}"' in xmp
    assert "secret" not in xmp


async def test_transparency_is_kept(worker: WorkerProcess) -> None:
    found = await opened(worker, encoded(Image.new("RGBA", SIDE, (200, 100, 50, 100)), "PNG"))
    assert found.mode == "RGBA"
    assert found.getpixel((100, 100)) == pytest.approx((200, 100, 50, 100), abs=4)
    palette = Image.new("P", SIDE, 1)
    palette.putpalette([0, 0, 0, 250, 0, 0])
    found = await opened(worker, encoded(palette, "PNG", transparency=0))
    assert found.convert("RGBA").getpixel((100, 100)) == pytest.approx((250, 0, 0, 255), abs=4)
    assert (await opened(worker, encoded(palette, "PNG", transparency=1))).convert("RGBA").getpixel((9, 9))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16", "CMYK"])
async def test_colours_of_every_kind_become_srgb(worker: WorkerProcess, mode: str) -> None:
    image = Image.new("I;16", SIDE, 40_000) if mode == "I;16" else noise().convert(mode)
    found = await opened(worker, encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert found.mode == "RGB"
    if mode == "I;16":
        assert found.getpixel((0, 0)) == pytest.approx((155, 155, 155), abs=3)


async def test_a_colour_profile_is_applied_and_a_damaged_one_is_not_fatal(worker: WorkerProcess) -> None:
    plain = Image.new("RGB", SIDE, (200, 40, 40))
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, linear, b"no profile" * 50):
        found = await opened(worker, encoded(plain, "PNG", icc_profile=profile))
        assert found.getpixel((9, 9)) == pytest.approx((200, 40, 40), abs=4)


async def test_of_an_animation_there_is_the_first_picture(worker: WorkerProcess) -> None:
    first, second = Image.new("RGB", SIDE, (250, 0, 0)), Image.new("RGB", SIDE, (0, 250, 0))
    found = await opened(worker, encoded(first, "WEBP", save_all=True, append_images=[second], duration=100))
    assert found.size == (256, 171)
    assert found.getpixel((9, 9)) == pytest.approx((250, 0, 0), abs=8)


@pytest.mark.parametrize("name", broken())
async def test_what_is_broken_has_no_thumbnail(worker: WorkerProcess, name: str) -> None:
    assert await made(worker, broken()[name]) is Unusable.CORRUPT
    assert worker.is_at_rest


@pytest.mark.parametrize("name", bombs())
async def test_a_bomb_is_refused_by_its_header(worker: WorkerProcess, name: str) -> None:
    assert await made(worker, bombs()[name]) is Unusable.TOO_LARGE
    assert worker.is_at_rest


async def test_a_text_bomb_is_not_unpacked(worker: WorkerProcess) -> None:
    assert (await opened(worker, with_text_bomb(encoded(noise(), "PNG"), 50_000_000))).size == (256, 171)


async def test_too_many_bytes_are_not_sent(worker: WorkerProcess) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES // 2**20 + 1):
            yield bytes(2**20)

    other = await WorkerProcess.start()
    assert await other.decode(Thumbnail(256, SHA256), blocks()) is Unusable.TOO_LARGE
    assert not other.is_at_rest
    await other.end()


@pytest.mark.long
async def test_all_that_the_archive_takes_fits_into_a_processs_memory(worker: WorkerProcess) -> None:
    width, height = 8192, 6100
    image = noise((width, height))
    for format, options in (
        ("PNG", {"compress_level": 1}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {"method": 0}),
        ("WEBP", {"lossless": True, "quality": 0, "method": 0}),
    ):
        assert (await opened(worker, encoded(image, format, **options))).size == (256, 191), format
    assert (await opened(worker, png(width, height, zeros((width * 8 + 1) * height), depth=16, colour=6))).size


@pytest.mark.long
async def test_what_needs_more_memory_than_a_process_may_take_is_too_large(worker: WorkerProcess) -> None:
    interlaced = png(9900, 9900, zeros((9900 * 8 + 1) * 9900 + 10**6), depth=16, colour=6, interlaced=1)
    assert await made(worker, interlaced) in (Unusable.TOO_LARGE, Unusable.CRASHED)

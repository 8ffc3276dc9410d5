import io
import time

import pytest
from PIL import Image

from service.domain.image import ImageFormat
from service.simulator.images import Picture, render

NAME = "0123456789abcdef" * 2


@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize(("width", "height"), [(1024, 640), (2048, 2048)])
def test_an_image_is_what_it_says_it_is(image_format: ImageFormat, width: int, height: int) -> None:
    with Image.open(io.BytesIO(render(Picture(NAME, width, height, image_format)))) as image:
        image.load()
        assert (image.format or "").lower() == image_format.value
        assert image.size == (width, height)
        assert len(image.convert("RGB").resize((64, 64)).getcolors(4096) or ()) > 200  # no flat area


def test_the_name_alone_decides_the_bytes() -> None:
    picture = Picture(NAME, 1024, 640, ImageFormat.PNG)
    assert render(picture) == render(picture)
    assert render(picture) != render(Picture(NAME[::-1], 1024, 640, ImageFormat.PNG))


def test_the_file_name_carries_the_provider_s_extension() -> None:
    names = [Picture(NAME, 1024, 640, image_format).file_name for image_format in ImageFormat]
    assert names == [f"{NAME}.png", f"{NAME}.jpg", f"{NAME}.webp"]


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_the_largest_image_costs_little_time(image_format: ImageFormat) -> None:
    started = time.thread_time()
    render(Picture(NAME, 3840, 2160, image_format))
    assert time.thread_time() - started < 2.0  # about 0.2 s; the rest is for slow machines

"""What pixels tell: the same of the same picture, however it is written."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter

from service.domain.likeness import apart, quarters
from service.inspection.pixels import LARGEST, TooLargeError, look


def scene(colour: str = "navy") -> Image.Image:
    """A picture of a few things."""
    picture = Image.new("RGB", (320, 200), colour)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((200, 20, 300, 120), fill="gold")
    draw.polygon([(0, 200), (90, 60), (190, 200)], fill="darkgreen")
    draw.rectangle((70, 150, 110, 200), fill="firebrick")
    return picture.filter(ImageFilter.GaussianBlur(2))


def looked_at(folder: Path, picture: Image.Image, name: str = "PNG", **options: Any) -> dict[str, Any]:
    path = folder / "image"
    picture.save(path, name, **options)
    return look(path)


def bits_apart(one: dict[str, Any], other: dict[str, Any]) -> int:
    mine, theirs = quarters(one["perceptual_hash"]), quarters(other["perceptual_hash"])
    assert mine is not None
    assert theirs is not None
    return apart(mine, theirs)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("JPEG", "RGB", {"quality": 40}),
        ("JPEG", "CMYK", {}),
        ("WEBP", "RGB", {"quality": 40}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("PNG", "P", {}),
        ("PNG", "L", {}),
    ],
)
def test_the_same_picture_has_nearly_the_same_hash(
    tmp_path: Path, name: str, mode: str, options: dict[str, Any]
) -> None:
    original = looked_at(tmp_path, scene())
    assert bits_apart(original, looked_at(tmp_path, scene().convert(mode), name, **options)) <= 6
    assert bits_apart(original, looked_at(tmp_path, scene().resize((90, 56)).convert(mode), name, **options)) <= 6


def test_another_picture_has_another_hash(tmp_path: Path) -> None:
    turned = scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert bits_apart(looked_at(tmp_path, scene()), looked_at(tmp_path, turned)) > 16


def test_colours_come_with_their_shares(tmp_path: Path) -> None:
    picture = Image.new("RGB", (100, 100), (200, 30, 30))
    picture.paste((20, 40, 220), (0, 0, 100, 25))
    found = looked_at(tmp_path, picture)
    assert found["dominant"] == [{"colour": "#c81e1e", "share": 0.75}, {"colour": "#1428dc", "share": 0.25}]
    assert found["average"] == "#9b204e"


def test_only_what_is_opaque_counts_for_colours(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    assert looked_at(tmp_path, picture)["dominant"] == []
    picture.paste((10, 20, 30, 255), (0, 0, 32, 64))
    found = looked_at(tmp_path, picture)
    assert (found["average"], found["transparent"]) == ("#0a141e", True)


@pytest.mark.parametrize(
    ("mode", "options", "transparent"),
    [("RGB", {}, False), ("RGBA", {}, False), ("P", {"transparency": 0}, True), ("LA", {}, False), ("I;16", {}, False)],
)
def test_whether_anything_shows_through_is_seen_not_assumed(
    tmp_path: Path, mode: str, options: dict[str, Any], transparent: bool
) -> None:
    picture = Image.new("L", (20, 20), 0).convert(mode)
    assert looked_at(tmp_path, picture, **options)["transparent"] is transparent


def test_a_single_pixel_that_shows_through_is_seen(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (900, 900), "white")
    picture.putpixel((5, 5), (255, 255, 255, 254))
    assert looked_at(tmp_path, picture)["transparent"] is True


def test_sixteen_bits_are_not_taken_for_eight(tmp_path: Path) -> None:
    assert looked_at(tmp_path, Image.new("I;16", (20, 20), 32768))["average"] in ("#7f7f7f", "#808080")


def test_it_is_seen_as_it_is_shown(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    sideways = scene().transpose(Image.Transpose.ROTATE_90)
    shown, raw = looked_at(tmp_path, sideways, "JPEG", exif=turned, quality=95), looked_at(tmp_path, scene())
    assert bits_apart(shown, raw) <= 4


def test_what_is_too_large_is_not_decoded(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        looked_at(tmp_path, Image.new("1", (4000, LARGEST // 4000 + 1)))


def test_a_thin_line_is_a_picture_too(tmp_path: Path) -> None:
    assert looked_at(tmp_path, Image.new("RGB", (1, 5000)))["placeholder"]
    assert looked_at(tmp_path, Image.new("RGB", (5000, 1)), "WEBP")["placeholder"]


def test_a_cut_image_is_no_picture(tmp_path: Path) -> None:
    file = io.BytesIO()
    scene().save(file, "PNG")
    (tmp_path / "cut").write_bytes(file.getvalue()[:-3000])
    with pytest.raises(OSError, match=r"truncated|broken"):
        look(tmp_path / "cut")

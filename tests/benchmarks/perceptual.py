"""How well pHash and dHash tell the same image from another: `python -m tests.benchmarks.perceptual`.

Synthetic scenes of shapes on gradients, half of them with noise, each changed as images are changed on their way.
Printed are the distances in bits between an image and its changes, and between different images.
"""

import io
import random
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from service.decoding.look import look
from service.decoding.seen import read_seen

SCENES = 200


def scene(seed: int) -> Image.Image:
    """Shapes on a gradient."""
    rng = random.Random(seed)

    def colour() -> tuple[int, int, int]:
        return (rng.randrange(256), rng.randrange(256), rng.randrange(256))

    corners = Image.new("RGB", (2, 2))
    corners.putdata([colour() for _ in range(4)])
    picture = corners.resize((512, 512), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randrange(3, 25)):
        x, y = rng.randrange(-100, 512), rng.randrange(-100, 512)
        box = (x, y, x + rng.randrange(20, 300), y + rng.randrange(20, 300))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=colour())
    if seed % 2:
        picture = Image.blend(picture, Image.effect_noise((512, 512), 90).convert("RGB"), 0.25)
    return picture.filter(ImageFilter.GaussianBlur(1))


def _again(picture: Image.Image, name: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, name, quality=quality)
    return Image.open(file).convert("RGB")


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda one: one.resize((256, 256), Image.Resampling.LANCZOS),
    "an eighth": lambda one: one.resize((64, 64), Image.Resampling.BILINEAR),
    "JPEG at 30": lambda one: _again(one, "JPEG", 30),
    "WebP at 40": lambda one: _again(one, "WEBP", 40),
    "brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.15),
    "more contrast": lambda one: ImageEnhance.Contrast(one).enhance(1.2),
    "2 % cut off": lambda one: one.crop((5, 5, 507, 507)),
}


def grey(picture: Image.Image, width: int, height: int) -> list[int]:
    return list(picture.convert("L").resize((width, height), Image.Resampling.LANCZOS).tobytes())


def phash(picture: Image.Image) -> int:
    """As the service has it."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    file.seek(0)
    told = look(file.read)
    assert isinstance(told, bytes), told
    seen = read_seen(told)
    assert seen is not None
    return int(seen.perceptual_hash, 16)


def dhash(picture: Image.Image) -> int:
    values, bits = grey(picture, 9, 8), 0
    for row in range(8):
        for at in range(row * 9, row * 9 + 8):
            bits = bits << 1 | (values[at] < values[at + 1])
    return bits


def _told(distances: Sequence[int]) -> str:
    ordered = sorted(distances)
    at = [ordered[int(share * (len(ordered) - 1))] for share in (0.01, 0.5, 0.95, 0.99)]
    near = sum(one <= 6 for one in ordered) / len(ordered)
    return (
        f"1 %: {at[0]:2}  median: {at[1]:2}  95 %: {at[2]:2}  99 %: {at[3]:2}  most: {ordered[-1]:2}  ≤ 6: {near:.2%}"
    )


def main() -> None:
    scenes = [scene(seed) for seed in range(SCENES)]
    for name, hashed in (("pHash", phash), ("dHash", dhash)):
        print(name)
        own = [hashed(one) for one in scenes]
        for change, changed in CHANGES.items():
            apart = [(mine ^ hashed(changed(one))).bit_count() for mine, one in zip(own, scenes, strict=True)]
            print(f"  {change:14} {_told(apart)}")
        others = [(one ^ other).bit_count() for at, one in enumerate(own) for other in own[:at]]
        print(f"  {'others':14} {_told(others)}")


if __name__ == "__main__":
    main()

"""Placeholders are the very ones that the format's own program makes."""

import pytest

from service.decoding.thumbhash import thumbhash

# made by js/thumbhash.js of github.com/evanw/thumbhash from the pixels below
VECTORS = [
    (8, 6, False, "14YKVZAwanhoh5eqhniKiTaghLBk"),
    (6, 8, False, "2KYKTQpwd3R4uHiYeJiHiGGkALZR"),
    (32, 32, False, "3xcCDwQhMDJjd3ZBNiZoSZZyNRAF7p8N"),
    (16, 9, True, "XFeGE4QXOAdTp+ZUwNL880lUBrAojoY="),
    (5, 20, True, "3WaGEQYnIFJrPJx1CvTbQIaHdXdXB4g="),
    (1, 1, False, "FQAq/wEI9wiIh4hwj3CI+AiIcH/4AAAA"),
    (32, 3, True, "nIaGGYYnhCigupUWsLj5lmUDaFd4h3g="),
]


@pytest.mark.parametrize(("width", "height", "alpha", "expected"), VECTORS)
def test_it_is_what_the_reference_makes(width: int, height: int, alpha: bool, expected: str) -> None:
    pixels = [
        (
            (x * 37 + y * 11) % 256,
            x * y * 5 % 256,
            (255 - x * 13 + y * 29 + 2560) % 256,
            (x * 17 + y * 23) % 256 if alpha else 255,
        )
        for y in range(height)
        for x in range(width)
    ]
    assert thumbhash(width, height, pixels) == expected


@pytest.mark.parametrize("pixel", [(0, 0, 0, 255), (255, 255, 255, 255), (255, 0, 0, 0), (0, 0, 255, 1)])
def test_a_plain_picture_has_one_too(pixel: tuple[int, ...]) -> None:
    assert thumbhash(32, 32, [pixel] * 1024)

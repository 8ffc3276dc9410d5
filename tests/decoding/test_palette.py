"""The few colours of many pixels."""

import random

from service.decoding.palette import average, dominant

RED, BLUE, GREEN = (200, 30, 30), (20, 40, 220), (10, 200, 60)


def test_what_is_there_is_told_with_its_share_and_the_greatest_first() -> None:
    pixels = [RED] * 25 + [BLUE] * 60 + [GREEN] * 15
    assert dominant(pixels, 5) == [(BLUE, 0.6), (RED, 0.25), (GREEN, 0.15)]
    assert average(pixels) == (64, 62, 148)


def test_shades_that_nobody_tells_apart_are_one_colour() -> None:
    chance = random.Random(3)
    pixels = [(100 + chance.randrange(20), 50 + chance.randrange(20), 200) for _ in range(1000)]
    [(colour, share)] = dominant(pixels, 5)
    assert share == 1.0
    assert all(abs(one - other) <= 2 for one, other in zip(colour, (109, 59, 200), strict=True))


def test_of_all_colours_there_are_as_many_as_are_wanted_and_their_shares_are_the_whole() -> None:
    chance = random.Random(3)
    pixels = [tuple(chance.randbytes(3)) for _ in range(4096)]
    found = dominant(pixels, 5)
    assert len({colour for colour, _ in found}) == 5
    assert abs(sum(share for _, share in found) - 1) < 0.01


def test_where_there_are_no_pixels_there_are_no_colours() -> None:
    assert dominant([], 5) == []
    assert dominant([RED], 5) == [(RED, 1.0)]

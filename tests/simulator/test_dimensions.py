import math

import pytest

from service.simulator.dimensions import (
    LONGEST_EDGE,
    MOST_PIXELS,
    RATIOS,
    Resolution,
    at_ratio,
    explicit,
    size_problem,
    tier,
)


@pytest.mark.parametrize("resolution", list(Resolution))
@pytest.mark.parametrize("ratio", RATIOS)
def test_a_ratio_is_drawn_at_edges_that_could_be_asked_for_and_are_billed_alike(
    ratio: str, resolution: Resolution
) -> None:
    width, height = at_ratio(ratio, resolution)
    across, down = (int(part) for part in ratio.split(":"))
    assert width % 16 == height % 16 == 0
    assert max(width, height) <= LONGEST_EDGE
    assert width * height <= MOST_PIXELS
    assert math.isclose(width / height, across / down, rel_tol=0.03)
    assert tier(width, height) is resolution


def test_squares_come_at_the_sizes_one_expects() -> None:
    assert at_ratio("1:1", Resolution.ONE_K) == (1024, 1024)
    assert at_ratio("1:1", Resolution.TWO_K) == (2048, 2048)
    assert at_ratio("16:9", Resolution.FOUR_K) == (3840, 2160)


@pytest.mark.parametrize("size", ["auto", "1:1", "21:9", "1024x1024", "3840x2160", "1024x640"])
def test_documented_sizes_are_good(size: str) -> None:
    assert size_problem(size) is None


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        ("7:5", "must be auto"),
        ("", "must be auto"),
        ("1024x1000", "multiples of 16"),
        ("3856x1600", "no edge"),
        ("3840x1264", "aspect ratio"),
        ("512x512", "pixels"),
        ("3840x3840", "pixels"),
    ],
)
def test_other_sizes_are_refused_with_the_rule_they_break(size: str, problem: str) -> None:
    assert problem in (size_problem(size) or "")


def test_explicit_sizes_are_told_from_others() -> None:
    assert explicit("1024x640") == (1024, 640)
    assert explicit("16:9") is None
    assert explicit("1024x640x3") is None

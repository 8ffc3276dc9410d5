"""Sizes, against the documented limits: every explicit one near a limit, and what ratios come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.submission.sizes import Resolution, at_ratio, edges, explicit, size_problem
from tests.submission.documented import RATIOS, good_edges, good_size


@pytest.mark.parametrize("resolution", list(Resolution))
@pytest.mark.parametrize("ratio", RATIOS)
def test_a_ratio_is_drawn_at_edges_that_could_be_asked_for(ratio: str, resolution: Resolution) -> None:
    width, height = at_ratio(ratio, resolution)
    across, down = (int(part) for part in ratio.split(":"))
    assert width % 16 == height % 16 == 0
    assert max(width, height) <= 3840
    assert width * height <= 8_294_400
    assert math.isclose(width / height, across / down, rel_tol=0.03)
    assert edges(ratio, resolution) == (width, height)


def test_squares_come_at_the_sizes_one_expects() -> None:
    assert at_ratio("1:1", Resolution.ONE_K) == (1024, 1024)
    assert at_ratio("1:1", Resolution.TWO_K) == (2048, 2048)
    assert at_ratio("16:9", Resolution.FOUR_K) == (3840, 2160)
    assert at_ratio("1:1", Resolution.FOUR_K) == (2880, 2880)
    assert at_ratio("2:1", Resolution.FOUR_K) == (3840, 1920)


def test_an_explicit_size_is_its_own_and_auto_counts_as_a_square_at_1k() -> None:
    assert edges("1536x1024", Resolution.FOUR_K) == (1536, 1024)
    assert edges("auto", Resolution.FOUR_K) == (1024, 1024)


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
    assert explicit("1024x640") == explicit("1024X640") == explicit("1024\u00d7640") == (1024, 640)
    assert explicit("16:9") is None
    assert explicit("1024x640x3") is None


def test_every_explicit_size_of_whole_steps_is_judged_as_documented() -> None:
    steps = range(16, 3840 + 4 * 16, 16)
    wrong = [(w, h) for w in steps for h in steps if (size_problem(f"{w}x{h}") is None) is not good_edges(w, h)]
    assert wrong == []


def test_sizes_a_pixel_or_a_step_beside_every_limit_are_judged_as_documented() -> None:
    limits = [
        (1024, 640),
        (640, 1024),
        (3840, 2160),
        (2160, 3840),
        (2880, 2880),
        (3840, 1280),
        (1280, 3840),
        (816, 816),
    ]
    beside = range(-17, 18)
    near = [(width + dw, height + dh) for width, height in limits for dw in beside for dh in beside]
    wrong = [(w, h) for w, h in near if (size_problem(f"{w}x{h}") is None) is not good_edges(w, h)]
    assert wrong == []
    assert all(good_edges(*limit) for limit in limits)


@pytest.mark.parametrize(
    "size",
    [
        *(
            "0x0",
            "-1024x-640",
            "1024.0x640",
            "01024x0640",
            " 1024x640",
            "1024x640\n",
            "1024 x 640",
            "1e3x640",
            "x",
            "1024x",
        ),
        *("\uff11\uff10\uff12\uff14x640", "x640", "99999x99999", "9" * 5000 + "x16", "1024*640"),
        *("AUTO", "Auto", "1:01", "16/9", "1.0:1", "4:1", "1K"),
    ],
)
def test_nothing_that_only_resembles_a_size_is_one(size: str) -> None:
    assert size_problem(size) is not None
    assert not good_size(size)


@given(st.text(alphabet="0123456789xX:auto ", max_size=12))
def test_any_text_is_a_size_or_has_a_problem(size: str) -> None:
    assert (size_problem(size) is None) is good_size(size.replace("X", "x"))

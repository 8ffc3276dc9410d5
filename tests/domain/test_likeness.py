"""Hashes of images: how far apart they are, and which values of a quarter have to be looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.likeness import Quarters, apart, near, quarters, quarters_of

HASHES = st.integers(0, 2**64 - 1)


def of(hashed: int) -> Quarters:
    found = quarters(f"{hashed:016x}")
    assert found is not None
    return found


@given(HASHES, st.sets(st.integers(0, 63), max_size=16))
def test_hashes_so_far_apart_have_a_quarter_that_is_looked_for(mine: int, bits: set[int]) -> None:
    one, other = of(mine), of(mine ^ sum(1 << bit for bit in bits))
    assert apart(one, other) == len(bits)
    assert any(theirs in set(near(own, len(bits))) for own, theirs in zip(one, other, strict=True))


@pytest.mark.parametrize(("distance", "number"), [(0, 1), (3, 1), (4, 17), (7, 17), (8, 137), (12, 697), (16, 2517)])
def test_no_more_values_are_looked_for_than_it_takes(distance: int, number: int) -> None:
    found = list(near(0xBEEF, distance))
    assert (len(found), len(set(found))) == (number, number)
    assert all(0 <= value < 2**16 for value in found)


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 17, "G" * 16, "0" * 15 + "F", "0" * 15 + "X", "٣" * 16])
def test_what_is_no_hash_is_none(text: str) -> None:
    assert quarters(text) is None


@pytest.mark.parametrize("details", [None, {}, {"pixels": None}, {"pixels": "x"}, {"pixels": {"perceptual_hash": 7}}])
def test_details_without_a_hash_have_no_quarters(details: dict[str, object] | None) -> None:
    assert quarters_of(details) is None


def test_a_hash_is_four_numbers_in_its_order() -> None:
    expected = (0x0123, 0x4567, 0x89AB, 0xCDEF)
    assert quarters("0123456789abcdef") == expected
    assert quarters_of({"pixels": {"perceptual_hash": "0123456789abcdef"}}) == expected

import pytest

from service.simulator.chance import Chance
from service.simulator.faults import KINDS, CallbackFault, Faults, ImageFault, LinkFault, check_faults, parse_faults


def test_words_of_kind_and_rate_become_a_mapping() -> None:
    assert parse_faults(["duplicate=0.3", "wrong-type=1"]) == {"duplicate": 0.3, "wrong-type": 1.0}
    assert parse_faults([]) == {}


@pytest.mark.parametrize(
    "word", ["explode=0.1", "duplicate", "duplicate=often", "duplicate=1.5", "slow=-1", "slow=nan"]
)
def test_an_unknown_kind_or_rate_is_refused_with_what_is_valid(word: str) -> None:
    with pytest.raises(ValueError, match=r"kinds: duplicate, .*one-link-behind|a number from 0 to 1"):
        parse_faults([word])


def test_every_kind_is_valid_at_every_rate_from_zero_to_one() -> None:
    for kind in KINDS:
        check_faults({kind: 0})
        check_faults({kind: 1})


def test_rates_say_how_many_tasks_are_struck() -> None:
    faults = Faults(Chance(1), {"lost": 0.25})
    struck = sum(CallbackFault.LOST in faults.for_callbacks(f"task-{number}") for number in range(2000))
    assert 430 < struck < 570


def test_rate_zero_strikes_nothing_and_rate_one_everything() -> None:
    faults = Faults(Chance(1), {"lost": 0, "late": 1, "html": 1, "slow": 0, "moved": 1, "resigned": 0})
    for number in range(200):
        assert faults.for_callbacks(f"task-{number}") == {CallbackFault.LATE}
        assert set(faults.for_image(f"image-{number}")) == {ImageFault.HTML}
        assert faults.for_links(f"task-{number}") == {LinkFault.MOVED}


def test_an_image_is_spoilt_once_or_twice_however_many_kinds_strike() -> None:
    faults = Faults(Chance(1), dict.fromkeys(KINDS, 1.0))
    plans = [faults.for_image(f"image-{number}") for number in range(300)]
    assert {len(plan) for plan in plans} == {1, 2}
    assert {kind for plan in plans for kind in plan} == set(ImageFault)


def test_a_forced_kind_strikes_without_a_rate() -> None:
    faults = Faults(Chance(1), {})
    assert faults.for_callbacks("task-1", frozenset({"lost", "html"})) == {CallbackFault.LOST}
    assert set(faults.for_image("image-1", frozenset({"lost", "html"}))) == {ImageFault.HTML}
    assert faults.for_links("task-1", frozenset({"lost", "dies-early"})) == {LinkFault.DIES_EARLY}


def test_decisions_depend_on_seed_and_name_only() -> None:
    rates = dict.fromkeys(KINDS, 0.5)
    names = [f"name-{number}" for number in range(50)]
    forward = [Faults(Chance(9), rates).for_image(name) for name in names]
    backward = [Faults(Chance(9), rates).for_image(name) for name in reversed(names)]
    assert forward == backward[::-1]
    assert forward != [Faults(Chance(10), rates).for_image(name) for name in names]

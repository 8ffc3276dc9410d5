from service.simulator.chance import Chance


def test_the_same_seed_and_name_draw_the_same_and_another_seed_does_not() -> None:
    assert Chance(1).digest("id", "a") == Chance(1).digest("id", "a")
    assert Chance(1).digest("id", "a") != Chance(2).digest("id", "a")
    assert Chance(1).digest("id", "a") != Chance(1).digest("id", "b")


def test_fractions_spread_evenly_from_zero_to_one() -> None:
    drawn = [Chance(3).fraction("outcome", number) for number in range(2000)]
    assert all(0 <= fraction < 1 for fraction in drawn)
    assert 0.45 < sum(drawn) / len(drawn) < 0.55


def test_numbers_letters_and_choices_stay_in_their_range() -> None:
    chance = Chance(4)
    assert {chance.number(3, "n", i) for i in range(100)} == {0, 1, 2}
    assert {chance.choice("ab", "c", i) for i in range(100)} == {"a", "b"}
    assert chance.letters(8, "id").isalnum()
    assert len(chance.letters(8, "id")) == 8
    assert len(chance.hexadecimal(32, "image")) == 32
    assert all(2 <= chance.between(2, 3, i) < 3 for i in range(100))


def test_a_prompt_that_is_no_valid_unicode_can_be_drawn_for() -> None:
    assert Chance(1).digest("prompt", "\ud800")

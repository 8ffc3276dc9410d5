"""How long the provider is left alone after a 429."""

from service.provider.pause import Pause


def test_nothing_is_left_before_the_first_429() -> None:
    assert Pause().left(0.0) == 0


def test_what_was_asked_for_is_kept() -> None:
    pause = Pause()
    pause.begin(100.0, asked=7.0)
    assert (pause.left(100.0), pause.left(106.0), pause.left(107.0), pause.left(500.0)) == (7.0, 1.0, 0.0, 0.0)


def test_nobody_makes_us_wait_longer_than_ten_minutes() -> None:
    pause = Pause()
    pause.begin(0.0, asked=1800.0)
    assert pause.left(0.0) == 600


def waits(pause: Pause, count: int, *, asked: float | None = None) -> list[float]:
    """The pauses after so many 429s, each of which came when the pause before was over."""
    now, found = 0.0, []
    for _ in range(count):
        pause.begin(now, asked=asked)
        found.append(pause.left(now))
        now += pause.left(now)
    return found


def test_without_a_wish_pauses_double_up_to_a_minute() -> None:
    assert waits(Pause(), 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_wish_of_no_time_at_all_is_none() -> None:
    assert waits(Pause(), 3, asked=0.0) == [1, 2, 4]


def test_a_good_answer_begins_anew() -> None:
    pause = Pause()
    waits(pause, 4)
    pause.end_of_row()
    pause.begin(1000.0, asked=None)
    assert pause.left(1000.0) == 1


def test_answers_that_were_under_way_together_count_once() -> None:
    pause = Pause()
    for _ in range(8):
        pause.begin(0.0, asked=None)
    assert pause.left(0.0) == 1


def test_a_later_429_never_shortens_the_pause() -> None:
    pause = Pause()
    pause.begin(0.0, asked=30.0)
    pause.begin(1.0, asked=2.0)
    assert pause.left(1.0) == 29

"""Which of too many callbacks of one task are kept."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.crowd import MOST_BODIES, MOST_BODY_BYTES, MOST_ROWS, KeptCallback, Surplus, surplus


def kept(
    number: int, *, size: int = 2000, has_body: bool = True, accepted: bool = True, tells_end: bool = True
) -> KeptCallback:
    return KeptCallback(number, size, has_body, accepted, tells_end)


def progress(number: int) -> KeptCallback:
    return kept(number, tells_end=False)


def test_a_handful_stays_as_it_is() -> None:
    assert surplus([kept(1), progress(2), kept(3, accepted=False)]) == Surplus()


def test_the_end_that_comes_after_a_hundred_reports_of_progress_stays_and_the_oldest_report_goes() -> None:
    reports = [progress(number) for number in range(MOST_BODIES)]
    assert surplus([*reports, kept(1000)]) == Surplus(bodies=frozenset({0}))


def test_progress_after_the_end_does_not_push_it_out() -> None:
    rows = [kept(0), *(progress(number) for number in range(1, 200))]
    gone = surplus(rows).bodies
    assert 0 not in gone
    assert len(gone) == 200 - MOST_BODIES
    assert 199 not in gone  # the newest of equals stays


def test_what_came_through_another_token_pushes_out_nothing_of_the_tasks_own() -> None:
    rows = [progress(0), *(kept(number, accepted=False) for number in range(1, 200))]
    assert 0 not in surplus(rows).bodies


def test_huge_bodies_do_not_push_out_an_ordinary_one() -> None:
    rows = [kept(0), *(kept(number, size=MOST_BODY_BYTES // 2) for number in range(1, 6))]
    assert surplus(rows).bodies == frozenset({1, 2, 3, 4})


def test_one_body_stays_however_large() -> None:
    assert surplus([kept(1, size=50 * MOST_BODY_BYTES)]) == Surplus()


def test_rows_are_bounded_too() -> None:
    rows = [kept(number, has_body=False, tells_end=False) for number in range(MOST_ROWS)]
    assert surplus(rows) == Surplus()
    assert surplus([*rows, kept(9999)]).rows == frozenset({0})


@given(st.lists(st.tuples(st.integers(0, MOST_BODY_BYTES), st.booleans(), st.booleans(), st.booleans()), max_size=400))
def test_what_stays_is_within_the_bounds_and_thinning_out_again_removes_nothing(
    given_rows: list[tuple[int, bool, bool, bool]],
) -> None:
    rows = [KeptCallback(number, *one) for number, one in enumerate(given_rows)]
    gone = surplus(rows)
    left = [
        KeptCallback(one.id, one.size, one.has_body and one.id not in gone.bodies, one.accepted, one.tells_end)
        for one in rows
        if one.id not in gone.rows
    ]
    bodies = [one.size for one in left if one.has_body]
    assert len(left) <= MOST_ROWS
    assert len(bodies) <= MOST_BODIES
    assert sum(bodies) <= MOST_BODY_BYTES
    assert surplus(left).rows == frozenset()


def test_bodies_of_just_as_many_bytes_as_may_stay_do() -> None:
    halves = [kept(number, size=MOST_BODY_BYTES // 2) for number in (1, 2)]
    assert surplus(halves) == Surplus()
    assert surplus([*halves, kept(3, size=1, accepted=False)]).bodies == frozenset({3})

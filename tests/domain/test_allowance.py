"""What one token may use up: how fast it may call, and how much is kept of it that nothing vouches for."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.allowance import (
    BODY_STEP,
    BURST,
    MOST_STRAY_BYTES,
    MOST_STRAY_ROWS,
    MOST_UNPROVEN_BYTES,
    MOST_WAITING,
    NOTHING_SPENT,
    RATE,
    ROW_BYTES,
    Bucket,
    Keep,
    Spent,
    admit,
    charge,
    cost_of_naming,
    cost_of_stray,
    full_bucket,
    keep_stray,
    may_add,
    may_name,
    room,
    worth_a_look,
)

MIB = 1024 * 1024


def let_in(times: list[float], *, size: int = 2000) -> int:
    """How many of callbacks at these times, in order, come in."""
    bucket, count = full_bucket(times[0]), 0
    for at in times:
        bucket, wait = admit(bucket, at)
        if wait == 0:
            bucket, count = charge(bucket, size), count + 1
    return count


def test_a_team_that_sends_a_hundred_a_second_is_never_refused() -> None:
    times = [number / 100 for number in range(600 * 100)]
    assert let_in(times, size=BODY_STEP) == len(times)


def test_a_backlog_at_once_comes_in_and_what_is_over_it_does_not() -> None:
    assert let_in([0.0] * 5000) == BURST


def test_a_flood_comes_in_at_the_rate_and_no_faster() -> None:
    times = [number / 5000 for number in range(5000 * 20)]
    assert BURST + 20 * RATE - 1 <= let_in(times) <= BURST + 20 * RATE + 1


def test_one_that_is_refused_is_let_in_after_the_wait_it_was_told_and_not_before() -> None:
    bucket, wait = admit(Bucket(0.25, 10.0), 10.0)
    assert 0 < wait < 1
    assert admit(bucket, 10.0 + wait * 0.9)[1] > 0
    assert admit(bucket, 10.0 + wait * 1.01)[1] == 0


def test_large_bodies_cost_more_so_that_bytes_are_bounded_too() -> None:
    assert charge(full_bucket(0), BODY_STEP) == full_bucket(0)
    assert charge(full_bucket(0), BODY_STEP + 1).level == BURST - 1
    megabytes = let_in([0.0] * 5000, size=MIB)
    assert megabytes == 32  # 31 and a bit, in debt after the last


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket, _ = admit(Bucket(5.0, 100.0), 50.0)
    assert bucket.level == 4


@given(st.lists(st.floats(0, 3), max_size=300), st.integers(0, MIB))
def test_no_timing_lets_in_more_than_burst_and_rate(gaps: list[float], size: int) -> None:
    times, now = [], 0.0
    for gap in gaps:
        now += gap
        times += [now] * 20
    if times:
        assert let_in(times, size=size) <= BURST + now * RATE + 1


def test_strays_are_kept_whole_then_as_rows_then_not_at_all() -> None:
    spent, kept = NOTHING_SPENT, []
    for _ in range(16 + MOST_STRAY_ROWS + 5):
        kept.append(keep_stray(spent, MIB))
        spent += cost_of_stray(kept[-1], MIB)
    assert kept == [Keep.WHOLE] * 16 + [Keep.ROW] * MOST_STRAY_ROWS + [Keep.NOTHING] * 5
    assert spent == Spent(stray_bytes=MOST_STRAY_BYTES, stray_rows=MOST_STRAY_ROWS)


def test_a_small_one_still_fits_where_a_large_one_does_not() -> None:
    spent = Spent(stray_bytes=MOST_STRAY_BYTES - ROW_BYTES)
    assert keep_stray(spent, MIB) is Keep.ROW
    assert keep_stray(spent, 10) is Keep.WHOLE


def test_tiny_ones_count_the_row_that_they_take() -> None:
    assert room(0) == room(1) == ROW_BYTES
    assert room(MIB) == MIB


def test_a_token_names_tasks_up_to_a_number_and_up_to_their_bytes() -> None:
    assert may_name(Spent(waiting=MOST_WAITING - 1))
    assert not may_name(Spent(waiting=MOST_WAITING))
    assert not may_name(Spent(unproven=MOST_UNPROVEN_BYTES))
    assert may_add(Spent(waiting=MOST_WAITING))
    assert not may_add(Spent(unproven=MOST_UNPROVEN_BYTES))


def test_what_is_spent_adds_up_and_is_given_back() -> None:
    more = cost_of_naming(10) + cost_of_stray(Keep.ROW, 10) + cost_of_stray(Keep.WHOLE, 10)
    assert more == Spent(stray_bytes=ROW_BYTES, stray_rows=1, waiting=1, unproven=2 * ROW_BYTES)
    assert more - more == NOTHING_SPENT


def test_the_database_is_asked_only_near_a_bound() -> None:
    assert not worth_a_look(cost_of_naming(2000), looked=False)
    near = [
        Spent(stray_bytes=MOST_STRAY_BYTES // 2),
        Spent(stray_rows=MOST_STRAY_ROWS // 2),
        Spent(waiting=MOST_WAITING // 2),
        Spent(unproven=MOST_UNPROVEN_BYTES // 2),
    ]
    assert all(worth_a_look(one, looked=True) for one in near)
    a_tenth = [Spent(one.stray_bytes // 5, one.stray_rows // 5, one.waiting // 5, one.unproven // 5) for one in near]
    assert all(worth_a_look(one, looked=False) for one in a_tenth)
    assert not any(worth_a_look(one, looked=True) for one in a_tenth)

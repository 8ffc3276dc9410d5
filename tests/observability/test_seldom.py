"""An outage is told at once and then once a minute, with what was left out."""

from structlog.testing import capture_logs

from service.observability.seldom import EVERY, Few, Seldom


def test_another_reason_is_told_at_once_and_what_an_outage_before_left_out_is_not_told_of_the_next() -> None:
    now = 100.0
    seldom = Seldom("callback", clock=lambda: now)
    with capture_logs() as lines:
        for reason in ("locked", "locked", "full"):
            seldom.tell(reason=reason)
        seldom.tell(reason="full")
        now += 100 * EVERY
        seldom.tell(reason="full")
    assert [(line["reason"], line["left_out"]) for line in lines] == [("locked", 0), ("full", 1), ("full", 0)]


def test_the_first_line_comes_at_once_and_the_next_after_a_minute_with_the_number_between() -> None:
    now = 100.0
    seldom = Seldom("callback", clock=lambda: now)
    with capture_logs() as lines:
        for _ in range(500):
            seldom.tell(reason="locked")
        now += EVERY
        seldom.tell(reason="still locked")
    assert [(line["event"], line["reason"], line["left_out"]) for line in lines] == [
        ("callback", "locked", 0),
        ("callback", "still locked", 499),
    ]


def test_of_many_lines_a_minute_the_first_are_told_and_the_next_minute_counts_the_others() -> None:
    now = [0.0]
    few = Few(most=2, clock=lambda: now[0])
    assert [few.turn() for _ in range(5)] == [{}, {}, None, None, None]
    now[0] = 59.0
    assert few.turn() is None
    now[0] = 60.0
    assert [few.turn() for _ in range(3)] == [{"left_out": 4}, {}, None]

"""An outage is told at once and then once a minute, with what was left out."""

from structlog.testing import capture_logs

from service.observability.seldom import EVERY, Seldom


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

"""An outage is told at once and then once a minute, with what was left out."""

from structlog.testing import capture_logs

from service.observability.seldom import EVERY, Seldom


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

"""Who fails to show a key: bounded in number, in memory, and in lines of the log."""

from structlog.testing import capture_logs

from service.domain.api_key import Denial, Scope
from service.domain.failures import BURST, RATE
from service.keys.failures import MOST_ADDRESSES, MOST_LINES, TELL_SECONDS, Failures
from tests.support.guard import api_key

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def failing(failures: Failures, host: str, times: int, why: Denial = Denial.UNKNOWN) -> None:
    for _ in range(times):
        failures.add(host, why)


def test_an_address_may_fail_so_often_and_then_waits_while_others_do_not() -> None:
    clock = Clock()
    failures = Failures(clock=clock)
    failing(failures, HERE, int(BURST) - 1)
    assert failures.wait(HERE) == 0
    failing(failures, HERE, 1)
    assert failures.wait(HERE) == 1 / RATE
    assert failures.wait(THERE) == 0
    clock.now += 1 / RATE
    assert failures.wait(HERE) == 0
    failing(failures, HERE, 1)
    assert failures.wait(HERE) > 0


def test_what_is_refused_because_of_the_limit_makes_nobody_wait_longer() -> None:
    clock = Clock()
    failures = Failures(clock=clock)
    failing(failures, HERE, int(BURST))
    failing(failures, HERE, 1000, Denial.LIMITED)
    clock.now += 1 / RATE
    assert failures.wait(HERE) == 0


def test_no_key_at_all_and_one_that_cannot_be_looked_up_are_counted_and_limit_nobody() -> None:
    counted: list[Denial] = []
    failures = Failures(tell=counted.append)
    failing(failures, HERE, 1000, Denial.MISSING)
    failing(failures, HERE, 1000, Denial.UNCERTAIN)
    assert (failures.wait(HERE), len(failures), len(counted)) == (0, 0, 2000)


def test_many_addresses_make_nothing_grow() -> None:
    failures = Failures(clock=Clock())
    with capture_logs() as lines:
        for number in range(MOST_ADDRESSES + 500):
            failures.add(f"2001:db8:{number:x}::1", Denial.UNKNOWN)
    assert len(failures) == MOST_ADDRESSES
    assert len(lines) == MOST_LINES


def test_the_log_has_a_line_for_an_address_and_a_minute_that_counts_the_others() -> None:
    clock = Clock()
    failures, key = Failures(clock=clock), api_key("shop", "sesame", Scope.READ)
    with capture_logs() as lines:
        failures.add(HERE, Denial.REVOKED, key)
        failing(failures, HERE, 41)
        failures.add(THERE, Denial.UNKNOWN)
        clock.now += TELL_SECONDS
        failing(failures, HERE, 1)
    assert [(line["address"], line["reason"], line["key"], line["left_out"]) for line in lines] == [
        (HERE, "revoked", "shop", 0),
        (THERE, "unknown", None, 0),
        (HERE, "unknown", None, 41),
    ]

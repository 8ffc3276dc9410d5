"""What counts as one address."""

from ipaddress import ip_address

import pytest

from service.domain.allowance import Bucket
from service.domain.failures import NOWHERE, address_of, failed, nothing_failed, wait_of, whose


@pytest.mark.parametrize(
    ("host", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, NOWHERE),
        ("", NOWHERE),
        ("testclient", NOWHERE),
        ("_hidden", NOWHERE),
        ("x" * 5000, NOWHERE),
    ],
)
def test_an_address_stands_for_whoever_has_it(host: str | None, stands_for: str) -> None:
    assert whose(host) == stands_for


def test_an_address_may_fail_sixty_times_at_once_and_then_every_two_seconds() -> None:
    bucket = nothing_failed(100.0)
    for _ in range(60):
        assert wait_of(bucket, 100.0) == 0
        bucket = failed(bucket, 100.0)
    assert wait_of(bucket, 100.0) == pytest.approx(2)
    assert wait_of(bucket, 101.0) == pytest.approx(1)
    assert wait_of(bucket, 102.0) == 0


def test_an_address_of_a_link_is_one_without_its_zone() -> None:
    assert address_of("fe80::1%eth0") == ip_address("fe80::1")
    assert address_of("::ffff:192.0.2.1") == ip_address("192.0.2.1")
    assert address_of("192.0.2.1%X") == ip_address("192.0.2.1")


def test_a_rest_gives_back_one_failure_every_two_seconds_and_never_more_than_sixty() -> None:
    bucket = Bucket(0.0, 100.0)
    bucket = failed(bucket, 102.0)
    assert wait_of(bucket, 102.0) == pytest.approx(2)
    for _ in range(60):
        assert wait_of(bucket, 10_000.0) == 0
        bucket = failed(bucket, 10_000.0)
    assert wait_of(bucket, 10_000.0) == pytest.approx(2)

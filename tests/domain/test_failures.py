"""What counts as one address."""

import pytest

from service.domain.failures import NOWHERE, whose


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

"""The fence: an outcome counts only under the claim that is held by now."""

import pytest

from service.domain.lease import LEASE, RENEW_EVERY, counts


@pytest.mark.parametrize(
    ("held", "mine", "expected"),
    [("a", "a", True), ("b", "a", False), (None, "a", False), ("", "", True)],
)
def test_an_outcome_counts_only_under_the_claim_that_is_held(held: str | None, mine: str, expected: bool) -> None:
    assert counts(held, mine) is expected


def test_a_lease_outlives_two_renewals_that_fail() -> None:
    assert LEASE >= 3 * RENEW_EVERY

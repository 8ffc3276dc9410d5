"""What is believed of a route that may not be there."""

from service.provider.optional_route import OptionalRoute


def test_a_route_is_believed_in_until_it_is_missing_and_again_an_hour_later() -> None:
    route = OptionalRoute()
    assert route.believed(0.0)
    route.missing(0.0)
    assert not route.believed(3599.0)
    assert route.believed(3600.0)


def test_two_failures_in_a_row_are_a_missing_route() -> None:
    route = OptionalRoute()
    route.failed(0.0)
    assert route.believed(0.0)
    route.failed(0.0)
    assert not route.believed(0.0)


def test_the_count_begins_anew_after_a_day() -> None:
    route = OptionalRoute()
    route.failed(0.0)
    route.missing(0.0)
    route.failed(3600.0)
    assert route.believed(3600.0)


def test_a_success_between_them_counts() -> None:
    route = OptionalRoute()
    for _ in range(5):
        route.failed(0.0)
        route.worked()
    assert route.believed(0.0)

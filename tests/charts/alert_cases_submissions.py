"""When the alerts of submissions, budgets and events fire, and the nearest cases in which they must not."""

from collections.abc import Sequence

from tests.charts.alert_series import (
    HOURS,
    SUBMITTED,
    TOLD,
    UNCLEAR,
    UNTOLD,
    WARNED,
    Fires,
    Silent,
    both,
    held,
    jumps,
    one,
    other,
    replaced,
    rising,
)
from tests.charts.promtool import NOTHING

OLD_POD, NEW_POD = replaced(0, 60, 0)
_, FULL_POD = replaced(0, 60, 2)


def counted(alert: str, name: str, **labels: str) -> Sequence[Fires | Silent]:
    """An alert about each that is counted: in one of two replicas, before a first scrape, and long ago."""
    in_one = [one(name, jumps(0, 30, 1), **labels), other(name, held(0), **labels)]
    in_new = [one(name, OLD_POD, **labels), other(name, FULL_POD, **labels)]
    return (
        Fires(alert, "one in one of two replicas", in_one, 29, 30),
        Fires(alert, "some before the first scrape of a new pod", in_new, 63, 64),
        Silent(alert, "a pod is replaced", [one(name, OLD_POD, **labels), other(name, NEW_POD, **labels)]),
        Silent(alert, "the last one was long ago", both(name, held(7), **labels), since=61),
    )


SUBMISSIONS: Sequence[Fires | Silent] = (
    Fires("DarkroomSubmissionsUnclear", "one is not found for half an hour", both(UNCLEAR, jumps(0, 10, 1)), 39, 40),
    Fires(
        "DarkroomSubmissionsUnclear",
        "one of two replicas cannot look",
        [one(UNCLEAR, held(NOTHING)), other(UNCLEAR, jumps(0, 10, 2))],
        39,
        40,
    ),
    Silent(
        "DarkroomSubmissionsUnclear",
        "each is found within minutes",
        both(UNCLEAR, [*[0, 1, 1, 1, 1] * (3 * HOURS // 5), 0]),
    ),
    Silent("DarkroomSubmissionsUnclear", "all answers arrive", both(UNCLEAR, held(0))),
    Fires(
        "DarkroomSubmissionsNotTaken",
        "the account has no credit any more",
        [
            one(SUBMITTED, [*rising(1, 30), *held(30, 151)], result="taken"),
            one(SUBMITTED, [*held(0, 30), *rising(1, 151)], result="declined"),
        ],
        45,
        51,
    ),
    Fires(
        "DarkroomSubmissionsNotTaken",
        "the pods of the API have no key",
        [*both(SUBMITTED, rising(1), result="no_provider"), *both(SUBMITTED, held(0), result="taken")],
        6,
        10,
    ),
    Fires(
        "DarkroomSubmissionsNotTaken",
        "the provider is away",
        [*both(SUBMITTED, rising(1), result="not_sent"), *both(SUBMITTED, held(9), result="taken")],
        6,
        10,
    ),
    Silent(
        "DarkroomSubmissionsNotTaken",
        "one client is refused again and again, and another one's requests are taken",
        [one(SUBMITTED, rising(9), result="declined"), other(SUBMITTED, rising(0.2), result="taken")],
    ),
    Silent(
        "DarkroomSubmissionsNotTaken",
        "now and then somebody's request is wrong, and nobody else asks",
        [one(SUBMITTED, rising(0.2), result="declined"), one(SUBMITTED, held(0), result="taken")],
    ),
    Silent(
        "DarkroomSubmissionsNotTaken",
        "a budget refuses all, and the provider is asked for none",
        [one(SUBMITTED, rising(9), result="over_budget"), one(SUBMITTED, held(0), result="taken")],
    ),
    *counted("DarkroomBudgetSpent", SUBMITTED, result="over_budget"),
    Silent("DarkroomBudgetSpent", "requests are taken with a warning", both(WARNED, rising(1))),
    *counted("DarkroomBudgetNearlySpent", WARNED),
    Silent("DarkroomBudgetNearlySpent", "a budget is used up", both(SUBMITTED, rising(1), result="over_budget")),
)

EVENTS: Sequence[Fires | Silent] = (
    *counted("DarkroomEventsDead", TOLD, outcome="dead"),
    Silent("DarkroomEventsDead", "attempts fail, and others follow", both(TOLD, rising(1), outcome="failed")),
    Fires(
        "DarkroomEventsWaiting",
        "the only endpoint takes nothing, and one event waits",
        [
            *both(UNTOLD, jumps(0, 20, 1)),
            one(TOLD, held(500), outcome="delivered"),
            one(TOLD, rising(0.1), outcome="failed"),
        ],
        49,
        50,
    ),
    Fires(
        "DarkroomEventsWaiting",
        "one of two endpoints takes nothing, and what waits for it becomes more",
        [
            *both(UNTOLD, [*held(0, 60), *rising(2, 121)]),
            one(TOLD, rising(2), outcome="delivered"),
            other(TOLD, [*rising(2, 60), *held(118, 121)], outcome="delivered"),
        ],
        145,
        155,
    ),
    Silent(
        "DarkroomEventsWaiting",
        "many are under way at any time, and delivered",
        [*both(UNTOLD, held(40)), *both(TOLD, rising(60), outcome="delivered")],
        since=31,
    ),
    Silent(
        "DarkroomEventsWaiting",
        "an endpoint was away for twenty minutes",
        [
            *both(UNTOLD, [*held(0, 60), *rising(1, 20), *held(0, 101)]),
            one(TOLD, [*held(0, 80), *held(20, 101)], outcome="delivered"),
        ],
    ),
    Silent(
        "DarkroomEventsWaiting",
        "nothing is to be told",
        [*both(UNTOLD, held(0)), *both(TOLD, held(0), outcome="delivered")],
    ),
)

"""When the alerts of callbacks fire, and the nearest cases in which they must not."""

from collections.abc import Mapping, Sequence

from tests.charts.alert_series import WEEK, Fires, Silent, acknowledged, callbacks, held, jumps, replaced, rising
from tests.charts.promtool import NOTHING, Value


def busy_until(step: int, by: float, *, first: int = 0, last: int) -> list[Value]:
    """A counter that begins at a step, grows by so much each step up to another one, and stands still then."""
    grown = [by * (min(at, step) - first) for at in range(first, last + 1)]
    return [*held(NOTHING, first), *grown]


TEN_MINUTES = WEEK // 10
"""Steps of ten minutes in a week."""

DAYS = 24 * 6
LAST = TEN_MINUTES + 2 * DAYS
STOPPED = TEN_MINUTES + DAYS

OLD_POD, NEW_POD = replaced(0, 60, 0)
_, FULL_POD = replaced(0, 60, 5)


def before_the_first_scrape(alert: str, verdict: str, *labels: Mapping[str, str]) -> Sequence[Fires | Silent]:
    """A pod is replaced, and the new one has counted when it is first scraped; and one that has not."""
    old = callbacks(verdict, OLD_POD)
    return (
        Fires(
            alert, f"{verdict} before a first scrape", [old, callbacks(verdict, FULL_POD, "b")], 63, 64, labels or ({},)
        ),
        Silent(alert, f"a pod is replaced, and nothing is {verdict}", [old, callbacks(verdict, NEW_POD, "b")]),
    )


CALLBACKS: Sequence[Fires | Silent] = (
    Fires(
        "DarkroomCallbacksUnavailable",
        "one callback is refused at each of its four deliveries, by two replicas",
        [callbacks("unavailable", jumps(0, 10, 2)), callbacks("unavailable", jumps(5, 10, 7), "b")],
        9,
        10,
    ),
    Silent(
        "DarkroomCallbacksUnavailable", "the fourth delivery gets through", [callbacks("unavailable", jumps(0, 10, 3))]
    ),
    Silent(
        "DarkroomCallbacksUnavailable",
        "they were unavailable before a restart",
        [callbacks("unavailable", jumps(9, 10, 0))],
    ),
    Fires(
        "DarkroomCallbacksRefused", "many come through unknown URLs", [callbacks("refused", jumps(0, 10, 25))], 9, 10
    ),
    Silent("DarkroomCallbacksRefused", "somebody guesses now and then", [callbacks("refused", rising(1))]),
    Fires(
        "DarkroomCallbacksUnreadable",
        "one is not understood and one too large",
        [
            callbacks("unreadable", jumps(0, 10, 1)),
            callbacks("too_large", jumps(0, 20, 1)),
            callbacks("accepted", rising(9)),
        ],
        9,
        20,
        [{"verdict": "unreadable"}, {"verdict": "too_large"}],
    ),
    Silent(
        "DarkroomCallbacksUnreadable",
        "all are understood",
        [callbacks("accepted", rising(9)), callbacks("unreadable", held(0))],
    ),
    Silent(
        "DarkroomCallbacksUnreadable",
        "some were not, an hour ago and longer",
        [callbacks("accepted", rising(9)), callbacks("unreadable", held(4))],
        since=61,
    ),
    Fires("DarkroomCallbacksLimited", "a URL has used up what it may", [callbacks("limited", jumps(0, 10, 1))], 9, 10),
    Silent(
        "DarkroomCallbacksLimited",
        "it did so long before a restart",
        [callbacks("limited", jumps(4, 60, 0))],
        since=16,
    ),
    Fires("DarkroomCallbacksForeign", "a URL names another one's task", [callbacks("foreign", jumps(0, 10, 1))], 9, 10),
    Silent(
        "DarkroomCallbacksForeign",
        "each URL names its own",
        [callbacks("accepted", rising(1)), callbacks("foreign", held(0))],
    ),
    *before_the_first_scrape("DarkroomCallbacksUnreadable", "unreadable", {"verdict": "unreadable"}),
    *before_the_first_scrape("DarkroomCallbacksLimited", "limited"),
    *before_the_first_scrape("DarkroomCallbacksForeign", "foreign"),
    Fires(
        "DarkroomNoCallbacks",
        "none come where a week ago 30 an hour did",
        [callbacks("accepted", busy_until(STOPPED, 3, last=LAST), pod) for pod in ("a", "b")],
        10 * (STOPPED + 6),
        10 * (STOPPED + 9),
        every=10,
    ),
    Silent(
        "DarkroomNoCallbacks",
        "it is new, and has never been busy for a week",
        [callbacks("accepted", busy_until(STOPPED, 5, first=STOPPED - DAYS, last=LAST))],
        until=10 * LAST,
        every=10,
    ),
    Silent(
        "DarkroomNoCallbacks",
        "it is as quiet as a week ago",
        [callbacks("accepted", [float(at // 12) for at in range(LAST + 1)])],
        until=10 * LAST,
        every=10,
    ),
    Silent(
        "DarkroomNoCallbacks",
        "other pods have taken over",
        [
            callbacks("accepted", busy_until(STOPPED, 5, last=STOPPED), "a"),
            callbacks("accepted", busy_until(LAST, 5, first=STOPPED, last=LAST), "b"),
        ],
        until=10 * LAST,
        every=10,
    ),
    Fires(
        "DarkroomAcknowledgementsSlow",
        "two of a hundred take over 2.5 s",
        acknowledged({"0.005": 98, "2.5": 0, "5": 2, "+Inf": 0}),
        10,
        11,
    ),
    Silent(
        "DarkroomAcknowledgementsSlow",
        "one of two replicas is slow and has next to nothing to do",
        [
            *acknowledged({"0.005": 0, "2.5": 0, "5": 1, "+Inf": 0}),
            *acknowledged({"0.005": 500, "2.5": 0, "5": 0, "+Inf": 0}, "b"),
        ],
    ),
    Silent("DarkroomAcknowledgementsSlow", "nothing comes", acknowledged({"0.005": 0, "2.5": 0, "5": 0, "+Inf": 0})),
)

"""When the alerts of what may be lost fire, and the nearest cases in which they must not."""

from collections.abc import Sequence
from math import inf

from tests.charts.alert_series import (
    ATTEMPTS,
    DEAD,
    EXPIRY,
    HOURS,
    OLDEST,
    PENDING,
    UP,
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
from tests.charts.promtool import GONE, NOTHING

OLD_POD, NEW_POD = replaced(0, 60, 0)
_, FULL_POD = replaced(0, 60, 5)

LOSS: Sequence[Fires | Silent] = (
    Fires("DarkroomLinkExpiresSoon", "half a link's life is over", both(EXPIRY, jumps(80_000, 20, 43_000)), 34, 35),
    Fires(
        "DarkroomLinkExpiresSoon",
        "one of two replicas cannot look",
        [one(EXPIRY, held(NOTHING)), other(EXPIRY, jumps(80_000, 20, 43_000))],
        34,
        35,
    ),
    Silent("DarkroomLinkExpiresSoon", "nothing waits", both(EXPIRY, held(inf))),
    Silent("DarkroomLinkExpiresSoon", "images come and go", both(EXPIRY, held(86_000))),
    Silent("DarkroomLinkExpiresSoon", "nobody can look", both(EXPIRY, [*held(80_000, 5), GONE])),
    Fires(
        "DarkroomLinkAboutToExpire",
        "two hours are left",
        [*both(EXPIRY, jumps(7300, 10, 7100)), *both(PENDING, held(1))],
        14,
        15,
    ),
    Fires(
        "DarkroomLinkAboutToExpire",
        "the time is over",
        [*both(EXPIRY, jumps(inf, 10, -100)), *both(PENDING, held(1))],
        14,
        15,
    ),
    Silent(
        "DarkroomLinkAboutToExpire",
        "it is fetched within minutes",
        [
            *both(EXPIRY, [*held(7300, 10), *held(7000, 5), *held(inf, 2 * HOURS)]),
            *both(PENDING, [*held(1, 15), *held(0, 2 * HOURS)]),
        ],
        until=2 * HOURS,
    ),
    Silent(
        "DarkroomLinkAboutToExpire",
        "a task whose end nobody knows runs out of time",
        [*both(EXPIRY, held(100)), *both(PENDING, held(0))],
    ),
    Fires(
        "DarkroomTaskAboutToExpire",
        "a task that was told of has two hours left, and no image waits",
        [*both(EXPIRY, jumps(7300, 10, 7100)), *both(PENDING, held(0))],
        14,
        15,
    ),
    Silent(
        "DarkroomTaskAboutToExpire",
        "an image waits, too",
        [*both(EXPIRY, held(7100)), *both(PENDING, jumps(1, 170, 2))],
    ),
    Silent("DarkroomTaskAboutToExpire", "nothing waits", [*both(EXPIRY, held(inf)), *both(PENDING, held(0))]),
    Fires(
        "DarkroomImagesDead",
        "an image dies in one of two replicas",
        [one(DEAD, jumps(0, 30, 1), reason="link_expired"), other(DEAD, held(0), reason="link_expired")],
        29,
        30,
        [{"reason": "link_expired"}],
    ),
    Fires(
        "DarkroomImagesDead",
        "images die before the first scrape of a new pod",
        [one(DEAD, OLD_POD, reason="link_expired"), other(DEAD, FULL_POD, reason="link_expired")],
        63,
        64,
        [{"reason": "link_expired"}],
    ),
    Silent(
        "DarkroomImagesDead",
        "a pod is replaced",
        [one(DEAD, OLD_POD, reason="link_expired"), other(DEAD, NEW_POD, reason="link_expired")],
    ),
    Silent(
        "DarkroomImagesDead",
        "processes are started anew, long after images died",
        both(DEAD, jumps(7, 120, 0), reason="link_expired"),
        since=61,
    ),
    Silent(
        "DarkroomImagesDead",
        "for half an hour nothing is scraped, long after images died",
        both(DEAD, [*held(7, 70), GONE, *held(NOTHING, 29), *held(7, 81)], reason="link_expired"),
        since=61,
    ),
    Silent("DarkroomImagesDead", "a forged callback is refuted", [one(DEAD, jumps(0, 30, 1), reason="refuted")]),
    Fires(
        "DarkroomTasksDead",
        "the provider does not know tasks",
        [one(DEAD, jumps(0, 30, 2), reason="unknown_to_provider"), one(DEAD, jumps(0, 30, 1), reason="no_links")],
        29,
        30,
        [{"reason": "unknown_to_provider"}, {"reason": "no_links"}],
    ),
    Fires(
        "DarkroomTasksDead",
        "tasks die before the first scrape of a new pod",
        [one(DEAD, OLD_POD, reason="refuted"), other(DEAD, FULL_POD, reason="refuted")],
        63,
        64,
        [{"reason": "refuted"}],
    ),
    Silent(
        "DarkroomTasksDead",
        "a pod is replaced",
        [one(DEAD, OLD_POD, reason="refuted"), other(DEAD, NEW_POD, reason="refuted")],
    ),
    Silent("DarkroomTasksDead", "an image dies", [one(DEAD, jumps(0, 30, 1), reason="too_large")]),
    Fires("DarkroomBacklogOld", "an image waits for an hour", both(OLDEST, rising(60)), 70, 71),
    Silent("DarkroomBacklogOld", "images wait for less", both(OLDEST, held(3500))),
    Silent("DarkroomBacklogOld", "nothing waits", both(OLDEST, held(0))),
    Fires(
        "DarkroomArchiveTooSlow",
        "six a minute are archived where 33 have to be",
        [
            *both(PENDING, held(2000)),
            *both(EXPIRY, held(3600)),
            *both(ATTEMPTS, rising(3), outcome="archived"),
            *both(ATTEMPTS, rising(300), outcome="http_status"),
        ],
        15,
        16,
    ),
    Silent(
        "DarkroomArchiveTooSlow",
        "two replicas tell of the same images and share the work",
        [*both(PENDING, held(2000)), *both(EXPIRY, held(3600)), *both(ATTEMPTS, rising(18), outcome="archived")],
    ),
    Silent(
        "DarkroomArchiveTooSlow",
        "few wait",
        [*both(PENDING, held(100)), *both(EXPIRY, held(60)), *both(ATTEMPTS, held(0), outcome="archived")],
    ),
    Fires(
        "DarkroomFiguresMissing",
        "both answer and neither can look",
        [*both(UP, held(1)), *both(EXPIRY, [*held(80_000, 10), GONE])],
        14,
        15,
    ),
    Silent(
        "DarkroomFiguresMissing",
        "one of two can look",
        [*both(UP, held(1)), one(EXPIRY, held(inf)), other(EXPIRY, [*held(inf, 10), GONE])],
    ),
    Silent(
        "DarkroomFiguresMissing", "all are down", [*both(UP, jumps(1, 10, 0)), *both(EXPIRY, [*held(inf, 10), GONE])]
    ),
)

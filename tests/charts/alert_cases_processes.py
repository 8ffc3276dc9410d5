"""When the alerts of the provider and of processes fire, and the nearest cases in which they must not."""

from collections.abc import Sequence

from tests.charts.alert_series import (
    ASKED,
    FREE,
    GIB,
    KEY_REFUSED,
    LEAST,
    READY,
    STARTED,
    UP,
    VERSION,
    Fires,
    Silent,
    both,
    held,
    jumps,
    one,
    other,
    rising,
)
from tests.charts.promtool import GONE, NOTHING, Series, Value

PROVIDER: Sequence[Fires | Silent] = (
    Fires(
        "DarkroomProviderKeyRefused",
        "the process that asks has its key refused",
        [one(KEY_REFUSED, held(0), component="api"), other(KEY_REFUSED, jumps(0, 10, 1), component="reconciler")],
        14,
        15,
    ),
    Silent("DarkroomProviderKeyRefused", "it is taken", both(KEY_REFUSED, held(0), component="all")),
    Silent(
        "DarkroomProviderKeyRefused",
        "it was refused to a pod of the API, where nobody has asked since",
        [one(KEY_REFUSED, held(1), component="api"), other(KEY_REFUSED, held(0), component="reconciler")],
    ),
    Fires(
        "DarkroomProviderUnreachable",
        "nothing is answered for half an hour",
        [one(ASKED, rising(1), result="unreachable"), one(ASKED, held(40), result="terminal")],
        30,
        31,
    ),
    Silent(
        "DarkroomProviderUnreachable",
        "some questions are answered, by another process",
        [one(ASKED, rising(5), result="unreachable"), other(ASKED, rising(0.2), result="not_yet")],
    ),
    Silent(
        "DarkroomProviderUnreachable",
        "it is away for twenty minutes",
        [
            one(ASKED, [*held(0, 30), *rising(1, 20), *held(20, 131)], result="unreachable"),
            one(ASKED, [*rising(1, 30), *held(30, 20), *rising(1, 131, start=31)], result="terminal"),
        ],
    ),
    Silent("DarkroomProviderUnreachable", "nobody is asked", both(ASKED, held(3), result="unreachable")),
)

LOOP: Sequence[Value] = [
    *(*held(1, 10), GONE, *held(NOTHING, 1)),
    *(*held(2, 4), GONE, *held(NOTHING, 3)),
    *(*held(3, 4), GONE, *held(NOTHING, 6)),
    *held(4, 4),
]
"""When a process began that ends again and again; nothing of it is scraped in between."""

PROCESSES: Sequence[Fires | Silent] = (
    Fires("DarkroomNotScraped", "there is no target", [], 2, 3),
    Fires("DarkroomNotScraped", "all are down", both(UP, jumps(1, 5, 0)), 7, 8),
    Silent(
        "DarkroomNotScraped",
        "the only pod is replaced, and the new one comes up in its second minute",
        [one(UP, [*held(1, 9), GONE]), other(UP, [*held(NOTHING, 10), 0, *held(1, 170)])],
    ),
    Silent("DarkroomNotScraped", "one of two answers", [one(UP, held(1)), other(UP, held(0))]),
    Fires(
        "DarkroomTargetDown",
        "one of two is down",
        [one(UP, held(1)), other(UP, jumps(1, 5, 0))],
        9,
        10,
        [{"pod": "b"}],
    ),
    Silent("DarkroomTargetDown", "a pod is replaced", [one(UP, [*held(1, 9), *held(0, 4), GONE]), other(UP, held(1))]),
    Fires(
        "DarkroomRestarting",
        "a process ends three minutes after it began, and its pod waits longer each time",
        [one(STARTED, [*LOOP, *held(7000, 130)], component="archiver"), other(STARTED, held(1), component="archiver")],
        30,
        31,
        [{"component": "archiver"}],
    ),
    Silent(
        "DarkroomRestarting",
        "a node is started anew, and with it the processes of three pods",
        [Series(STARTED, jumps(1, 10 + at, 2), {"pod": pod, "component": "receiver"}) for at, pod in enumerate("abc")],
    ),
    Silent(
        "DarkroomRestarting",
        "five pods are replaced one after the other",
        [
            Series(STARTED, [*held(NOTHING, 3 * at), *held(at, 60)], {"pod": pod, "component": "receiver"})
            for at, pod in enumerate("abcde")
        ],
    ),
    Fires(
        "DarkroomNoReceiver",
        "both receivers are not ready and the archiver is",
        [
            *both(UP, held(1)),
            *both(READY, jumps(1, 10, 0), component="receiver"),
            one(READY, held(1), component="archiver"),
        ],
        11,
        12,
    ),
    Fires(
        "DarkroomNoReceiver",
        "the only process is not ready",
        [one(UP, held(1)), one(READY, jumps(1, 10, 0), component="all")],
        11,
        12,
    ),
    Fires(
        "DarkroomNoReceiver",
        "there is no receiver",
        [one(UP, held(1)), one(READY, held(1), component="archiver")],
        1,
        2,
    ),
    Silent(
        "DarkroomNoReceiver",
        "one of two receivers is ready",
        [
            *both(UP, held(1)),
            one(READY, held(1), component="receiver"),
            other(READY, held(0), component="receiver"),
        ],
    ),
    Fires(
        "DarkroomNotReady",
        "one of two is not ready for ten minutes",
        [one(READY, held(1), component="archiver"), other(READY, jumps(1, 10, 0), component="archiver")],
        19,
        20,
        [{"pod": "b", "component": "archiver"}],
    ),
    Silent(
        "DarkroomNotReady",
        "pods are replaced one after the other",
        [
            one(READY, [*held(1, 10), *held(0, 2), GONE], component="receiver"),
            other(READY, [*held(NOTHING, 10), *held(0, 5), *held(1, 100)], component="receiver"),
        ],
    ),
    Fires(
        "DarkroomDiskLow",
        "half as much again as the mark is free",
        [one(FREE, jumps(9 * GIB, 10, 1.5 * GIB), component="all"), one(LEAST, held(GIB), component="all")],
        19,
        20,
        [{"component": "all", "pod": "a"}],
    ),
    Silent(
        "DarkroomDiskLow",
        "there is room, and the receiver has no disk",
        [one(FREE, held(2 * GIB), component="archiver"), one(LEAST, held(GIB), component="archiver")],
    ),
    Fires(
        "DarkroomDiskFull",
        "one of two archivers is under its mark",
        [
            one(FREE, jumps(9 * GIB, 10, GIB - 1), component="archiver"),
            other(FREE, held(9 * GIB), component="archiver"),
            *both(LEAST, held(GIB), component="archiver"),
        ],
        11,
        12,
        [{"pod": "a", "component": "archiver"}],
    ),
    Silent("DarkroomDiskFull", "as much as the mark is free", [*both(FREE, held(GIB)), *both(LEAST, held(GIB))]),
    Fires(
        "DarkroomDiskFillsUp",
        "ten GiB go in less than a day",
        [
            one(FREE, rising(-10 << 20, start=10 * GIB), component="all"),
            one(LEAST, held(GIB), component="all"),
        ],
        60,
        61,
        [{"pod": "a", "component": "all"}],
    ),
    Silent(
        "DarkroomDiskFillsUp",
        "they last for a week",
        [one(FREE, rising(-1 << 20, start=10 * GIB), component="all"), one(LEAST, held(GIB), component="all")],
    ),
    Silent(
        "DarkroomDiskFillsUp",
        "somebody else fills the disk of an archiver's node",
        [
            one(FREE, rising(-10 << 20, start=10 * GIB), component="archiver"),
            one(LEAST, held(GIB), component="archiver"),
        ],
    ),
    Fires(
        "DarkroomVersionMix",
        "a rollout is stuck",
        [one(VERSION, held(1), version="1.0.0"), other(VERSION, held(1), version="1.1.0")],
        119,
        120,
    ),
    Silent("DarkroomVersionMix", "all have one version", both(VERSION, held(1), version="1.0.0")),
    Silent(
        "DarkroomVersionMix",
        "a rollout takes an hour",
        [
            one(VERSION, [*held(1, 70), GONE], version="1.0.0"),
            other(VERSION, [*held(NOTHING, 10), *held(1, 171)], version="1.1.0"),
        ],
    ),
)

"""Every case of every alert, and a house in which all is well."""

from collections.abc import Sequence

from tests.charts.alert_cases_callbacks import CALLBACKS
from tests.charts.alert_cases_loss import LOSS
from tests.charts.alert_cases_processes import PROCESSES, PROVIDER
from tests.charts.alert_cases_submissions import EVENTS, SUBMISSIONS
from tests.charts.alert_series import (
    ASKED,
    ATTEMPTS,
    DEAD,
    EXPIRY,
    FREE,
    GIB,
    HOURS,
    KEY_REFUSED,
    LEAST,
    OLDEST,
    PENDING,
    READY,
    RESTARTED,
    STARTED,
    SUBMITTED,
    TOLD,
    UNCLEAR,
    UNTOLD,
    UP,
    VERSION,
    WARNED,
    Fires,
    Silent,
    acknowledged,
    both,
    callbacks,
    held,
    rising,
)
from tests.charts.promtool import Series

CASES = (*LOSS, *CALLBACKS, *PROVIDER, *SUBMISSIONS, *EVENTS, *PROCESSES)
FIRES = tuple(case for case in CASES if isinstance(case, Fires))
SILENT = tuple(case for case in CASES if isinstance(case, Silent))

HEALTHY: Sequence[Series] = (
    *both(UP, held(1)),
    *both(READY, held(1), component="all"),
    *both(STARTED, held(1), component="all"),
    *both(EXPIRY, held(86_000)),
    *both(PENDING, held(300)),
    *both(OLDEST, held(20)),
    *both(ATTEMPTS, rising(60), outcome="archived"),
    *both(FREE, held(50 * GIB), component="all"),
    *both(LEAST, held(GIB), component="all"),
    *both(VERSION, held(1), version="1.0.0"),
    *both(KEY_REFUSED, held(0), component="all"),
    *both(ASKED, rising(30), result="terminal"),
    *both(DEAD, held(0), reason="link_expired"),
    *both(SUBMITTED, rising(30), result="taken"),
    *both(SUBMITTED, rising(0.2), result="declined"),
    *both(SUBMITTED, held(0), result="over_budget"),
    *both(WARNED, held(0)),
    *both(UNCLEAR, [0, 0, 0, 1, 1] * (3 * HOURS // 5)),
    *both(TOLD, rising(60), outcome="delivered"),
    *both(TOLD, rising(1), outcome="failed"),
    *both(UNTOLD, held(12)),
    *(callbacks("accepted", rising(60), pod) for pod in ("a", "b")),
    *(callbacks(verdict, RESTARTED, pod) for verdict in ("duplicate",) for pod in ("a", "b")),
    *(callbacks(verdict, held(0)) for verdict in ("refused", "unreadable", "limited", "unavailable", "foreign")),
    *acknowledged({"0.005": 60, "2.5": 0, "5": 0, "+Inf": 0}),
)
"""Two replicas with much to do, of which nothing is to be said."""

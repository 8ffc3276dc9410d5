"""Every case of every alert, and a house in which all is well."""

from collections.abc import Sequence

from tests.charts.alert_cases_callbacks import CALLBACKS
from tests.charts.alert_cases_loss import LOSS
from tests.charts.alert_cases_processes import PROCESSES, PROVIDER
from tests.charts.alert_series import (
    ASKED,
    ATTEMPTS,
    DEAD,
    EXPIRY,
    FREE,
    GIB,
    KEY_REFUSED,
    LEAST,
    OLDEST,
    PENDING,
    READY,
    RESTARTED,
    STARTED,
    UP,
    VERSION,
    Fires,
    Silent,
    acknowledged,
    both,
    callbacks,
    held,
    rising,
)
from tests.charts.promtool import Series

CASES = (*LOSS, *CALLBACKS, *PROVIDER, *PROCESSES)
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
    *both(KEY_REFUSED, held(0)),
    *both(ASKED, rising(30), result="terminal"),
    *both(DEAD, held(0), reason="link_expired"),
    *(callbacks("accepted", rising(60), pod) for pod in ("a", "b")),
    *(callbacks(verdict, RESTARTED, pod) for verdict in ("duplicate",) for pod in ("a", "b")),
    *(callbacks(verdict, held(0)) for verdict in ("refused", "unreadable", "limited", "unavailable", "foreign")),
    *acknowledged({"0.005": 60, "2.5": 0, "5": 0, "+Inf": 0}),
)
"""Two replicas with much to do, of which nothing is to be said."""

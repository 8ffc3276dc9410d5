"""Who fails to show a key, in memory: how often, for the limit, and what the log tells of it. It never sees a secret.

Counts of one process. What counts as too often is decided in `domain.failures`.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from service.domain.allowance import Bucket
from service.domain.api_key import ApiKey, Denial
from service.domain.failures import failed, nothing_failed, wait_of, whose

MOST_ADDRESSES = 10_000
"""The oldest is forgotten for a new one: many addresses make nothing grow."""

TELL_SECONDS = 60.0
MOST_LINES = 100
"""Lines a minute of all addresses together."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Account:
    bucket: Bucket
    told_at: float = -math.inf
    left_out: int = 0


class Failures:
    """Accounts of the addresses that failed last; `tell` counts each failure by its reason."""

    def __init__(
        self, *, tell: Callable[[Denial], None] = lambda _: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._minute, self._lines = -math.inf, 0

    def __len__(self) -> int:
        return len(self._accounts)

    def wait(self, host: str | None) -> int:
        """Whole seconds until a client's address may fail again; 0 when it may now."""
        account = self._accounts.get(whose(host))
        return math.ceil(wait_of(account.bucket, self._clock())) if account is not None else 0

    def add(self, host: str | None, why: Denial, key: ApiKey | None = None) -> None:
        """Count a failure. That there was no key at all is nothing to guess by: it is counted, and that is all."""
        self._tell(why)
        if why in (Denial.MISSING, Denial.UNCERTAIN):
            return
        now, address = self._clock(), whose(host)
        account = self._account(address, now)
        if why is not Denial.LIMITED:
            account.bucket = failed(account.bucket, now)
        if now - account.told_at < TELL_SECONDS or not self._may_tell(now):
            account.left_out += 1
            return
        log.warning(
            "auth_failed",
            address=address,
            reason=why.value,
            key_id=key.id if key else None,
            key=key.name if key else None,
            left_out=account.left_out,
        )
        account.told_at, account.left_out = now, 0

    def _account(self, address: str, now: float) -> _Account:
        account = self._accounts.get(address)
        if account is None:
            account = self._accounts[address] = _Account(nothing_failed(now))
            if len(self._accounts) > MOST_ADDRESSES:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(address)
        return account

    def _may_tell(self, now: float) -> bool:
        if now - self._minute >= TELL_SECONDS:
            self._minute, self._lines = now, 0
        self._lines += 1
        return self._lines <= MOST_LINES

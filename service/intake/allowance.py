"""What each callback token has used up, in memory: how fast it calls, and what is kept of it that nothing vouches for.

What counts as too much is decided in `domain.allowance`. The database is asked only about tokens that come near a
bound, outside of every transaction of the intake. Counts of one process: each replica of a service has its own.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from service.catalog.catalog import Catalog
from service.domain.allowance import NOTHING_SPENT, Bucket, Spent, admit, charge, full_bucket, worth_a_look

MOST_TOKENS = 10_000
LOOK_PAUSE = 1.0
"""Seconds between two questions to the database about the same token."""

TELL_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Account:
    bucket: Bucket
    spent: Spent = NOTHING_SPENT
    looked_at: float | None = None
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    limited: int = 0


class Allowances:
    """The accounts of the tokens that were used last; a forgotten one begins anew, and the database knows the rest."""

    def __init__(self, *, catalog: Catalog, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def admit(self, token_id: str) -> float:
        """Count one callback; 0 when it may come in, else the seconds after which the next one may."""
        account = self._account(token_id)
        account.bucket, wait = admit(account.bucket, self._clock())
        return wait

    def charge(self, token_id: str, size: int) -> None:
        """Count the body that a callback had, in bytes."""
        account = self._account(token_id)
        account.bucket = charge(account.bucket, size)

    def spent(self, token_id: str) -> Spent:
        """What is kept of this token, as far as we know; rather too much than too little."""
        return self._account(token_id).spent

    def add(self, token_id: str, more: Spent) -> None:
        """Count what a committed transaction keeps of this token."""
        if more != NOTHING_SPENT:
            account = self._account(token_id)
            account.spent += more

    def limited(self, token_id: str) -> None:
        """Count a callback that was turned away, for the log."""
        self._account(token_id).limited += 1

    async def look(self, token_id: str) -> None:
        """Near a bound, ask the database how much of it is still there; raises CatalogUnavailable."""
        account = self._account(token_id)
        if not self._is_due(account):
            return
        async with account.looking:
            if not self._is_due(account):  # somebody else has looked meanwhile
                return
            before = account.spent
            found = await self._catalog.read(lambda tx: tx.usage.spent(token_id))
            account.spent = found + (account.spent - before)  # with what was committed during the look
            account.looked_at = self._clock()

    async def run(self) -> None:
        """Tell the log once a minute, and at the end, which tokens were turned away, and how often."""
        try:
            while True:
                await asyncio.sleep(TELL_SECONDS)
                self.tell()
        finally:
            self.tell()

    def tell(self) -> None:
        """One line for each token that was turned away since the last time."""
        for token_id, account in self._accounts.items():
            _tell(token_id, account)

    def _is_due(self, account: _Account) -> bool:
        if not worth_a_look(account.spent, looked=account.looked_at is not None):
            return False
        return account.looked_at is None or self._clock() - account.looked_at >= LOOK_PAUSE

    def _account(self, token_id: str) -> _Account:
        account = self._accounts.get(token_id)
        if account is None:
            account = self._accounts[token_id] = _Account(full_bucket(self._clock()))
            if len(self._accounts) > MOST_TOKENS:
                _tell(*self._accounts.popitem(last=False))
        else:
            self._accounts.move_to_end(token_id)
        return account


def _tell(token_id: str, account: _Account) -> None:
    if account.limited:
        log.warning("callbacks_limited", token_id=token_id, count=account.limited)
        account.limited = 0

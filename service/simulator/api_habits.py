"""How the task API treats its readers all the time: options of a run that can also be changed while it runs. Pure."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHabits:
    """Times in seconds; raises ValueError for values that make no sense."""

    no_batch: bool = False  # reading several at once is answered 404
    no_list: bool = False  # the list is answered 404
    unknown_seconds: float = 0.0  # for so long after `created`, the task is not known to reads
    behind_seconds: float = 0.0  # for so long after its end, reads show the task as processing
    cancelled_as_failed: bool = False  # reads show `failed` with code `request_cancelled`
    plain_failed: bool = False  # and with another code, so that nothing tells of a cancellation
    batch_without_links: bool = False  # completed tasks have no links when several are read at once
    no_idempotency: bool = False  # each submission makes a task of its own, whatever its Idempotency-Key
    integer_codes: bool = False  # the `code` of an error is its HTTP status, as on older pages of the provider

    def __post_init__(self) -> None:
        waits = (self.unknown_seconds, self.behind_seconds)
        if not all(math.isfinite(wait) and wait >= 0 for wait in waits):
            raise ValueError("unknown_seconds and behind_seconds: from 0")
        if self.plain_failed and not self.cancelled_as_failed:
            raise ValueError("plain_failed goes with cancelled_as_failed")

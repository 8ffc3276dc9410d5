"""Every metric of the service, declared here and nowhere else, with labels from closed sets.

Series exist from the start at zero, so that a rate over the first event is right. What has to be looked up is left out
until it is known, and when it is no more (see `figure`). No globals: one registry per object.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from math import inf

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from service.observability.figure import Figure


class CallbackVerdict(StrEnum):
    """How a callback ended."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"
    LIMITED = "limited"  # its token has used up what it may
    REFUSED = "refused"  # bad, expired or revoked token, unknown source
    TOO_LARGE = "too_large"
    INCOMPLETE = "incomplete"  # the caller hung up or took too long
    UNAVAILABLE = "unavailable"  # it could not be made durable


SOURCES = ("evolink", "unknown")
OUTCOMES = (
    "archived",
    "refused_host",
    "refused_address",
    "too_large",
    "link_gone",
    "http_status",
    "unreachable",
    "truncated",
    "not_an_image",
)
"""What one attempt came to: `archived` and the values of domain.attempt.Failure."""

RESULTS = ("terminal", "not_yet", "unknown", "unreachable", "throttled", "unasked")
"""What asking the provider about one task came to: the values of intake.answers.Result."""

REASONS = (
    "unknown_to_provider",
    "refuted",
    "no_links",
    "never_finished",
    "refused_host",
    "refused_address",
    "too_large",
    "link_expired",
    "unreachable",
    "truncated",
    "not_an_image",
    "lost",
)
"""Why tasks and assets are dead: the values of domain.task.TaskReason and domain.asset.AssetReason."""

SUBMITTED = (
    "taken",
    "replayed",
    "key_reused",
    "over_budget",
    "declined",
    "not_sent",
    "unclear",
    "lost",
    "no_provider",
)
"""What a request for images came to: `taken`, `replayed`, and the values of submission.outcome.Reason."""

TOLD = ("delivered", "failed", "dead")
"""What one attempt to tell somebody of an event came to."""

NO_KEY = ("missing", "unknown", "revoked", "expired", "limited", "uncertain")
"""Why a request was not let in: the values of domain.api_key.Denial."""

ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; the provider gives up after 10."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ARCHIVE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800)
"""Seconds from knowing a link to the image being safe; the ladder reaches half-hour steps."""


class Metrics:
    """The metrics of one running service; unknown label values raise KeyError. `clock` tells what is fresh."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        disable_created_metrics()  # type: ignore[no-untyped-call]  # `_created` series are read by nobody
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._callbacks = {
            (source, verdict): counter
            for source, counters in zip(SOURCES, self._callback_counters(), strict=True)
            for verdict, counter in counters.items()
        }
        self._ack = self._histogram("ack_seconds", "Time from a callback's arrival to its answer.", ACK_BUCKETS)
        self._batch = self._histogram("inbox_batch_size", "Callbacks committed by one transaction.", BATCH_BUCKETS)
        self._attempts = self._counters("assets_total", "Attempts to archive an image.", "outcome", OUTCOMES)
        self._archive = self._histogram(
            "archive_seconds", "Time from knowing a link to its image being archived.", ARCHIVE_BUCKETS
        )
        self._archived_bytes = self._counter("archived_bytes_total", "Bytes of archived images.")
        self._pending = self._figure("assets_pending", "Images that are not archived yet.")
        self._oldest = self._figure(
            "oldest_pending_seconds", "Age of the longest-waiting image that is not archived; 0 when none waits."
        )
        self._next_expiry = self._figure(
            "next_expiry_seconds", "Time to the first link that would be lost; +Inf when none would."
        )
        self._ready = self._gauge("ready", "1 while this process can do its work, as /readyz says; else 0.")
        self._free = self._figure("free_bytes", "Free space for the database and files, where this process has a disk.")
        self._least = self._figure("min_free_bytes", "Under this much free space the process is not ready.")
        self._reconciled = self._counters("reconcile_total", "Questions to the provider.", "result", RESULTS)
        self._key_refused = self._gauge("provider_key_refused", "1 while the provider refuses our key.")
        self._dead = self._counters("dead_total", "Tasks and images given up.", "reason", REASONS)
        self._deleted_by_rules = self._counter("retention_deleted_total", "Images that retention rules have deleted.")
        self._submitted = self._counters("submissions_total", "Requests for images.", "result", SUBMITTED)
        self._unclear = self._figure(
            "submissions_unclear", "Requests of which it is not known whether the provider took them."
        )
        self._budget_warnings = self._counter("budget_warnings_total", "Requests that came near the end of a budget.")
        self._told = self._counters("events_total", "Attempts to tell an endpoint of an event.", "outcome", TOLD)
        self._untold = self._figure("events_pending", "Events that an endpoint has not got yet.")
        self._unseen = self._figure("details_pending", "Archived images that are not looked at yet, up to 100,000.")
        self._no_key = self._counters("auth_failures_total", "Requests without a valid API key.", "reason", NO_KEY)
        build = Gauge("darkroom_build_info", "The running version.", ["version"], registry=self._registry)
        build.labels(_version()).set(1)

    def callback(self, source: str, verdict: CallbackVerdict) -> None:
        self._callbacks[source, verdict].inc()

    def acknowledged(self, source: str, verdict: CallbackVerdict, seconds: float) -> None:
        """A callback was made durable and answered, `seconds` after it arrived."""
        self.callback(source, verdict)
        self._ack.observe(seconds)

    def batch_committed(self, size: int) -> None:
        self._batch.observe(size)

    def attempt(self, outcome: str) -> None:
        """One attempt to archive an image ended; `outcome` is one of OUTCOMES."""
        self._attempts[outcome].inc()

    def archived(self, *, seconds: float, size: int) -> None:
        """An image is safe, `seconds` after its link became known; `size` in bytes."""
        self._archive.observe(seconds)
        self._archived_bytes.inc(size)

    def reconciled(self, result: str) -> None:
        """The provider was asked about a task; `result` is one of RESULTS."""
        self._reconciled[result].inc()

    def key_refused(self, refused: bool) -> None:
        """Whether the provider refuses our key just now."""
        self._key_refused.set(refused)

    def died(self, reason: str) -> None:
        """A task or an image was given up; `reason` is one of REASONS."""
        self._dead[reason].inc()

    def deleted_by_a_rule(self) -> None:
        """A retention rule has deleted an image."""
        self._deleted_by_rules.inc()

    def waiting(
        self, assets: int, next_expiry: datetime | None, *, now: datetime, oldest: datetime | None = None
    ) -> None:
        """How many images wait, when the first link dies, and since when the longest-waiting image is known."""
        self._pending.set(assets)
        self._next_expiry.set(inf if next_expiry is None else (next_expiry - now).total_seconds())
        self._oldest.set(0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()))

    def ready(self, ready: bool) -> None:
        """Whether this process can do its work just now."""
        self._ready.set(ready)

    def disk(self, *, free: int, least: int) -> None:
        """How many bytes are free where this process keeps files, and under how many it refuses to work."""
        self._free.set(free)
        self._least.set(least)

    def submitted(self, result: str, *, warned: bool = False) -> None:
        """A request for images was answered: `result` is one of SUBMITTED, `warned` that a budget is near its end."""
        self._submitted[result].inc()
        if warned:
            self._budget_warnings.inc()

    def delivery(self, outcome: str) -> None:
        """One attempt to tell somebody of an event ended; `outcome` is one of TOLD."""
        self._told[outcome].inc()

    def auth_failed(self, reason: str) -> None:
        """A request was not let in; `reason` is one of NO_KEY."""
        self._no_key[reason].inc()

    def under_way(self, *, unclear: int, untold: int, unseen: int) -> None:
        """How many requests may have arrived, events are still to be told, and images still to be looked at."""
        self._unclear.set(unclear)
        self._untold.set(untold)
        self._unseen.set(unseen)

    def render(self) -> tuple[bytes, str]:
        """The exposition in Prometheus's text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _callback_counters(self) -> list[dict[CallbackVerdict, Counter]]:
        counter = Counter(
            "darkroom_callbacks_total", "Callbacks received.", ["source", "verdict"], registry=self._registry
        )
        return [{verdict: counter.labels(source, verdict.value) for verdict in CallbackVerdict} for source in SOURCES]

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"darkroom_{name}", documentation, registry=self._registry)

    def _counters(self, name: str, documentation: str, label: str, values: Iterable[str]) -> dict[str, Counter]:
        counter = Counter(f"darkroom_{name}", documentation, [label], registry=self._registry)
        return {str(value): counter.labels(str(value)) for value in values}

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(f"darkroom_{name}", documentation, registry=self._registry)

    def _figure(self, name: str, documentation: str) -> Figure:
        return Figure(f"darkroom_{name}", documentation, registry=self._registry, clock=self._clock)

    def _histogram(self, name: str, documentation: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"darkroom_{name}", documentation, buckets=buckets, registry=self._registry)


def _version() -> str:
    try:
        return version("darkroom")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"

"""Every metric of the service, declared here and nowhere else, with labels from closed sets.

Series exist from the start at zero, so that a rate over the first event is right. No globals: one registry per object.
"""

from collections.abc import Iterable
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

ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; the provider gives up after 10."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ARCHIVE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800)
"""Seconds from knowing a link to the image being safe; the ladder reaches half-hour steps."""


class Metrics:
    """The metrics of one running service; unknown label values raise KeyError."""

    def __init__(self) -> None:
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
        self._pending = self._gauge("assets_pending", "Images that are not archived yet.")
        self._next_expiry = self._gauge(
            "next_expiry_seconds", "Time to the first link that would be lost; +Inf when none would."
        )
        self._next_expiry.set(inf)
        self._reconciled = self._counters("reconcile_total", "Questions to the provider.", "result", RESULTS)
        self._key_refused = self._gauge("provider_key_refused", "1 while the provider refuses our key.")
        self._dead = self._counters("dead_total", "Tasks and images given up.", "reason", REASONS)
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

    def waiting(self, assets: int, next_expiry: datetime | None, *, now: datetime) -> None:
        """Set the gauges: how many images wait, and when the first of their links dies."""
        self._pending.set(assets)
        self._next_expiry.set(inf if next_expiry is None else (next_expiry - now).total_seconds())

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

    def _histogram(self, name: str, documentation: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"darkroom_{name}", documentation, buckets=buckets, registry=self._registry)


def _version() -> str:
    try:
        return version("darkroom")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"

"""Traces for an OpenTelemetry collector: spans are put together here, queued, and sent by a thread of their own.

The queue is bounded (OTEL_BSP_MAX_QUEUE_SIZE, 2048 spans): where the collector is slower, the oldest are lost. It must
never wait for the collector, nor show a token, a link or a secret.
"""

import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.observability.masking import masked
from service.observability.tracing import SpanName, TaskTrace, TraceIds, Value, trace_ids
from service.observability.tracing_export import CollectorExporter, LibraryLines

LONGEST_TEXT = 200
BROKEN_OFF_WITHIN = 0.5
"""Seconds for the thread to end once the collector was given up; it keeps no process from leaving."""

_KINDS = {
    SpanName.TASK: trace.SpanKind.INTERNAL,
    SpanName.CALLBACK: trace.SpanKind.SERVER,
    SpanName.CONFIRM: trace.SpanKind.CLIENT,
    SpanName.ARCHIVE: trace.SpanKind.CLIENT,
    SpanName.SIDECAR: trace.SpanKind.INTERNAL,
}
_TEMPLATES = ("http.route",)
"""Attributes that hold our own words for a path, which look like one with a token."""

_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OtlpTracing:
    """Sends spans of a share `ratio` of all tasks, from 0 to 1, to the collector at `endpoint`, an OTLP/HTTP base URL.

    Which tasks these are follows from their trace ids, so it is the same in every process with the same ratio. Raises
    ValueError for OTEL_* variables that cannot be used.
    """

    def __init__(self, *, endpoint: str, ratio: float, tls: ssl.SSLContext, version: str, roles: Sequence[str]) -> None:
        LibraryLines()
        self._exporter = CollectorExporter(endpoint, tls=tls)
        self._sampler = TraceIdRatioBased(ratio)
        self._ids = _Ids()
        ours = {"service.name": "darkroom", "service.version": version, "darkroom.roles": tuple(roles)}
        said = OTELResourceDetector().detect().attributes or {}  # what operators say goes before
        self._provider = TracerProvider(
            sampler=self._sampler,
            resource=Resource.create({**ours, **said}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("darkroom", version)

    def of(self, source: str, task_id: str) -> TaskTrace | None:
        ids = trace_ids(source, task_id)
        if self._sampler.should_sample(None, ids.trace, SpanName.TASK).decision is Decision.DROP:
            return None
        return _OtlpTrace(self._tracer, self._ids, ids, {"darkroom.source": source, "darkroom.task.id": task_id})

    def trouble(self) -> str | None:
        """Why the collector takes nothing, in words; None where it does. Waits for its answer."""
        return self._exporter.trouble()

    def close(self, within: float) -> None:
        """Also where the collector is dead: what it has not taken by then is lost."""
        ending = Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(within)
        if ending.is_alive():
            self._exporter.shutdown()
            ending.join(BROKEN_OFF_WITHIN)


class _Ids(RandomIdGenerator):
    """Random ids, but for the root span that is just being made."""

    def __init__(self) -> None:
        self.root: TraceIds | None = None

    def generate_trace_id(self) -> int:
        return self.root.trace if self.root else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.root.root if self.root else super().generate_span_id()


class _OtlpTrace:
    """The trace of one task; `common` are attributes of each of its spans."""

    def __init__(self, tracer: trace.Tracer, ids: _Ids, own: TraceIds, common: Mapping[str, Value]) -> None:
        self._tracer = tracer
        self._ids = ids
        self._own = own
        self._common = common

    def span(
        self,
        name: SpanName,
        *,
        seconds: float,
        attributes: Mapping[str, Value],
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        ended = time.time_ns()
        root = trace.SpanContext(self._own.trace, self._own.root, is_remote=True, trace_flags=_SAMPLED)
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(trace.NonRecordingSpan(root), Context()),
            kind=_KINDS[name],
            attributes=_shown({**self._common, **attributes}),
            links=_links(cause),
            start_time=ended - int(seconds * 1e9),
        )
        _end(span, ended, error)

    def settled(
        self, began: datetime, ended: datetime, *, attributes: Mapping[str, Value], error: str | None = None
    ) -> None:
        self._ids.root = self._own
        try:
            span = self._tracer.start_span(
                SpanName.TASK,
                Context(),
                kind=_KINDS[SpanName.TASK],
                attributes=_shown({**self._common, **attributes}),
                start_time=_nanoseconds(began),
            )
        finally:
            self._ids.root = None
        _end(span, _nanoseconds(ended), error)


def _end(span: trace.Span, at: int, error: str | None) -> None:
    if error is not None:
        span.set_status(trace.StatusCode.ERROR, _text(error))
    span.end(at)


def _shown(attributes: Mapping[str, Value]) -> dict[str, str | int | bool]:
    """Attributes as they are sent; masked as a second wall, the first is that nobody puts secrets in."""
    return {name: _masked(name, value) for name, value in attributes.items() if value is not None}


def _masked(name: str, value: str | int | bool) -> str | int | bool:
    if not isinstance(value, str) or name in _TEMPLATES:
        return value
    return _text(value)


def _text(value: str) -> str:
    """Without secrets, short, and such that it can be sent: one lone surrogate would cost a whole batch."""
    return masked(value)[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _links(traceparent: str | None) -> list[trace.Link]:
    """A link to the caller's trace, where a header tells of one."""
    if traceparent is None:
        return []
    caller = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
    context = trace.get_current_span(caller).get_span_context()
    return [trace.Link(context)] if context.is_valid else []


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000

"""Traces on their way: ids that follow from the task, spans as a collector gets them, and a collector that is ill."""

import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from structlog.testing import capture_logs

from service.observability.tracing import NO_TRACING, SpanName, trace_ids
from service.observability.tracing_otlp import OtlpTracing
from tests.support.collector import Collector, collector

TASK = "task-unified-1756800000-abcd"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AT_ONCE = 1.0
"""Seconds; nothing that waits for a collector is so fast."""


@contextmanager
def tracing(to: Collector | str, *, ratio: float = 1.0, within: float = 5.0) -> Iterator[OtlpTracing]:
    """Traces to a collector; what waits is sent at the end of the block."""
    endpoint = to.url if isinstance(to, Collector) else to
    tls = ssl.create_default_context()
    opened = OtlpTracing(endpoint=endpoint, ratio=ratio, tls=tls, version="1.2.3", roles=["api", "receiver"])
    try:
        yield opened
    finally:
        opened.close(within)


def tell(traces: OtlpTracing, task_id: str = TASK, *, attempt: int | None = None) -> None:
    if (trace := traces.of("evolink", task_id)) is not None:
        trace.span(SpanName.ARCHIVE, seconds=0.25, attributes={"darkroom.archive.attempt": attempt})


def test_the_ids_of_a_task_never_change() -> None:
    ids = trace_ids("evolink", TASK)
    assert f"{ids.trace:032x} {ids.root:016x}" == "20a3fa66846c16946d8088717fc7ffe6 23e2fbe7631b8e92"
    assert len({trace_ids(*one) for one in (("evolink", TASK), ("evolink", "task-b"), ("other", TASK))}) == 3


def test_without_tracing_no_task_has_a_trace() -> None:
    assert NO_TRACING.of("evolink", TASK) is None


def test_a_span_ends_now_and_is_a_child_of_its_tasks_span() -> None:
    with collector() as taken:
        before = time.time_ns()
        with tracing(taken) as traces:
            tell(traces, attempt=2)
    (span,) = taken.spans
    ids = trace_ids("evolink", TASK)
    assert (span.name, span.kind, span.error) == ("archive", "client", None)
    assert (span.trace, span.parent) == (f"{ids.trace:032x}", f"{ids.root:016x}")
    assert span.ended - span.started == 250_000_000
    assert before <= span.ended <= time.time_ns()
    assert span.attributes == {"darkroom.source": "evolink", "darkroom.task.id": TASK, "darkroom.archive.attempt": 2}
    assert taken.paths == {"/v1/traces"}


def test_the_span_of_the_task_has_the_id_that_the_others_name() -> None:
    began, ended = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 2, 14, 0, 0, 7, tzinfo=UTC)
    with collector() as taken, tracing(taken) as traces:
        trace = traces.of("evolink", TASK)
        assert trace is not None
        trace.settled(began, ended, attributes={"darkroom.task.reason": None}, error="dead: no_links")
        tell(traces)
        traces.close(5)
        root, child = taken.spans
    assert (root.name, root.kind, root.parent, root.error) == ("task", "internal", "", "dead: no_links")
    assert (child.trace, child.parent) == (root.trace, root.id)
    assert child.id != root.id
    assert root.ended - root.started == (ended - began) // timedelta(microseconds=1) * 1000
    assert root.attributes.keys() == {"darkroom.source", "darkroom.task.id"}


@pytest.mark.parametrize("header", [None, "", "00-zz", TRACEPARENT[:-3], "\x00" * 400, TRACEPARENT])
def test_a_caller_that_tells_of_its_own_trace_is_linked(header: str | None) -> None:
    with collector() as taken, tracing(taken) as traces:
        trace = traces.of("evolink", TASK)
        assert trace is not None
        trace.span(SpanName.CALLBACK, seconds=0, attributes={}, cause=header)
        traces.close(5)
        (span,) = taken.spans
    assert span.links == (("0af7651916cd43dd8448eb211c80319c",) if header == TRACEPARENT else ())
    assert span.trace == f"{trace_ids('evolink', TASK).trace:032x}"


def test_who_is_traced_is_the_same_in_every_process_with_the_same_share() -> None:
    tasks = [f"task-{number}" for number in range(1000)]
    with tracing("http://127.0.0.1:1", ratio=0.3) as one, tracing("http://127.0.0.1:1", ratio=0.3) as other:
        traced = {task for task in tasks if one.of("evolink", task) is not None}
        assert traced == {task for task in tasks if other.of("evolink", task) is not None}
    assert 230 < len(traced) < 370
    with tracing("http://127.0.0.1:1", ratio=0) as nobody:
        assert not any(nobody.of("evolink", task) for task in tasks)


def test_operators_say_the_rest_by_the_standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=pod-1,service.version=9")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pictures")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with collector() as taken, tracing(f"{taken.url}/tenant/") as traces:
        tell(traces)
        traces.close(5)
        (span,), (headers,) = taken.spans, taken.headers
    assert (headers["x-tenant"], headers["content-encoding"]) == ("shop", "gzip")
    told = ("service.name", "service.version", "k8s.pod.name", "darkroom.roles")
    assert [span.resource[name] for name in told] == ["pictures", "9", "pod-1", ["api", "receiver"]]
    assert taken.paths == {"/tenant/v1/traces"}


def test_a_process_is_called_darkroom_unless_it_is_said_otherwise() -> None:
    with collector() as taken:
        with tracing(taken) as traces:
            tell(traces)
        (span,) = taken.spans
    assert (span.resource["service.name"], span.resource["service.version"]) == ("darkroom", "1.2.3")
    assert span.resource["service.instance.id"]


def test_the_sdk_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with collector() as taken, tracing(taken) as traces:
        tell(traces)
        traces.close(5)
        assert taken.bodies == []


def test_a_collector_is_verified_by_the_authorities_that_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    with collector(tls=server) as taken, capture_logs() as lines:
        for tls in (ssl.create_default_context(), client):
            traces = OtlpTracing(endpoint=taken.url, ratio=1, tls=tls, version="1", roles=[])
            tell(traces)
            traces.close(10)
        assert len(taken.spans) == 1
    assert [line["event"] for line in lines] == ["traces_not_exported"]
    assert "TLS" in lines[0]["reason"]


def test_no_link_token_or_key_gets_through_in_an_attribute_or_an_error() -> None:
    signature = "A" * 43
    secrets = {
        "link": "https://files.evolink.ai/account/0123456789abcdef.png?sig=1",
        "callback": f"/callbacks/evolink/abc.{signature}",
        "header": "Bearer sk-evo-0123456789",
        "database": "postgresql://user:password@db/darkroom",
    }
    with collector() as taken, tracing(taken) as traces:
        trace = traces.of("evolink", TASK)
        assert trace is not None
        trace.span(SpanName.ARCHIVE, seconds=0, attributes=secrets, error=" ".join(secrets.values()))
        traces.close(5)
        body = b"".join(taken.bodies)
    assert b"files.evolink.ai" in body
    for secret in (b"0123456789", b"sig=1", b"A" * 43, b"password"):
        assert secret not in body


def test_text_that_cannot_be_sent_costs_no_other_span() -> None:
    with collector() as taken, tracing(taken) as traces:
        for words in ("\ud800", "\x00", "x" * 10_000, "fine"):
            trace = traces.of("evolink", TASK)
            assert trace is not None
            trace.span(SpanName.ARCHIVE, seconds=0, attributes={"server.address": words}, error=words)
        traces.close(5)
        assert [span.error for span in taken.spans] == ["?", "\x00", "x" * 200, "fine"]


@pytest.mark.parametrize(
    ("status", "words"), [(404, "it answers 404"), (301, "it answers 301"), (503, "it answers 503"), (401, "401")]
)
def test_a_collector_that_refuses_is_told_in_one_line(
    status: int, words: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    caplog.set_level(logging.DEBUG)
    with collector() as taken, capture_logs() as lines:
        taken.status = status
        with tracing(taken) as traces:
            for number in range(700):
                tell(traces, f"task-{number}")
    assert [line["event"] for line in lines] == ["traces_not_exported"]
    assert words in lines[0]["reason"]
    assert [record.name for record in caplog.records] == [], "the libraries' own lines stay out"


def test_nobody_waits_for_a_collector_that_is_silent_and_what_it_does_not_take_is_lost() -> None:
    with collector() as taken, capture_logs() as lines:
        taken.open.clear()
        with tracing(taken, within=0.2) as traces:
            tell(traces, "task-first")
            for number in range(600):
                tell(traces, f"task-{number}")
            assert taken.arrived.wait(10)
            began = time.perf_counter()
            for number in range(10_000):
                tell(traces, f"task-{number}")
            each = (time.perf_counter() - began) / 10_000
            began = time.perf_counter()
        left_in = time.perf_counter() - began
        taken.open.set()
    assert each < 0.002
    assert left_in < 3 * AT_ONCE
    assert len(taken.spans) < 5000, "the queue is bounded"
    assert {line["event"] for line in lines} == {"traces_not_exported"}
    assert len(lines) <= 3


def test_a_process_whose_collector_is_silent_leaves_at_once() -> None:
    """Even one that does not say so."""
    with collector() as taken:
        taken.open.clear()
        code = (
            "import ssl; from service.observability.tracing_otlp import OtlpTracing as T;"
            "from service.observability.tracing import SpanName as N;"
            f"t=T(endpoint={taken.url!r},ratio=1,tls=ssl.create_default_context(),version='1',roles=[]);"
            "[t.of('evolink',str(n)).span(N.ARCHIVE,seconds=0,attributes={}) for n in range(600)];"
            "import time; time.sleep(0.5)"
        )
        began = time.monotonic()
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        seconds = time.monotonic() - began
        assert taken.arrived.is_set()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seconds < 8


def test_a_collector_that_takes_spans_has_no_trouble_and_one_that_is_away_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    with collector() as taken, tracing(taken) as traces:
        assert traces.trouble() is None
        taken.status = 405
        assert traces.trouble() == "it answers 405"
        assert taken.spans == []
    with tracing("http://127.0.0.1:1") as traces:
        assert traces.trouble() == "it cannot be reached"

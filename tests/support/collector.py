"""A collector: takes spans as OTLP over HTTP on loopback, and shows them parsed. It can be slow, silent, or refuse."""

import gzip
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

ERROR = trace_pb2.Status.STATUS_CODE_ERROR


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it arrived; ids in hex, times in nanoseconds, `links` as trace ids."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    started: int
    ended: int
    attributes: Mapping[str, Any]
    error: str | None
    links: tuple[str, ...]
    resource: Mapping[str, Any]


class Collector:
    """What arrived at one server; `status` is what it answers, `open` whether it answers at all."""

    def __init__(self) -> None:
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.arrived = threading.Event()
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.headers: list[Mapping[str, str]] = []
        self.url = ""

    @property
    def spans(self) -> list[Span]:
        return [span for body in tuple(self.bodies) for span in parsed(body)]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        self.arrived.set()
        self.open.wait(30)
        self.paths.add(path)
        self.headers.append(headers)
        if self.status == 200:
            self.bodies.append(body)
        return self.status


@contextmanager
def collector(*, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Collector]:
    """A collector for as long as the block runs."""
    taken = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = taken.take(self.path, headers, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    taken.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield taken
    finally:
        taken.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


def parsed(body: bytes) -> Iterator[Span]:
    """The spans of one request."""
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _members(of_resource.resource.attributes)
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    started=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    attributes=_members(span.attributes),
                    error=span.status.message if span.status.code == ERROR else None,
                    links=tuple(link.trace_id.hex() for link in span.links),
                    resource=resource,
                )


def _members(attributes: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None

"""The way of spans to the collector: OTLP over HTTP, and one line seldom where it does not take them.

The exporter reads headers, timeout and compression from the standard OTEL_EXPORTER_OTLP_* variables. It must not let
lines of the libraries through: they repeat, and they tell of addresses.
"""

import logging
import os
import ssl
from collections.abc import Sequence
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from requests.adapters import HTTPAdapter

from service.observability.seldom import Seldom

EVENT = "traces_not_exported"

_LIBRARIES = "opentelemetry"
_CHATTY = ("urllib3",)
_OWN_CERTIFICATES = (OTEL_EXPORTER_OTLP_CERTIFICATE, OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE)

_WORDS: tuple[tuple[type[requests.RequestException], str], ...] = (
    (requests.exceptions.SSLError, "its TLS certificate is not trusted, or the handshake fails"),
    (requests.exceptions.Timeout, "it does not answer in time"),
    (requests.exceptions.ConnectionError, "it cannot be reached"),
    (requests.exceptions.RequestException, "the connection was lost"),
)
"""The first that an error is; messages of libraries hold addresses."""


class CollectorExporter(SpanExporter):
    """Sends spans to an OTLP/HTTP base URL; `tls` verifies it unless OTEL_EXPORTER_OTLP_CERTIFICATE says by what."""

    def __init__(self, endpoint: str, *, tls: ssl.SSLContext) -> None:
        self._road = _Road()
        if not any(os.environ.get(name) for name in _OWN_CERTIFICATES):
            self._road.mount("https://", _Verifying(tls))
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", session=self._road)
        self._outages = Seldom(EVENT)
        self._lost = 0
        self._ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, with a few retries within the exporter's timeout (10 s); what fails is lost, and told."""
        result, trouble = self._sent(spans)
        if trouble is not None:
            self._lost += len(spans)
            self._outages.tell(reason=f"the collector: {trouble}", lost=self._lost)
        return result

    def trouble(self) -> str | None:
        """Why the collector takes nothing, as a request without spans tells; None where it does."""
        return self._sent(())[1]

    def shutdown(self) -> None:
        """End, and break off what is under way."""
        if not self._ended:
            self._ended = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it has no annotation

    def _sent(self, spans: Sequence[ReadableSpan]) -> tuple[SpanExportResult, str | None]:
        result = self._exporter.export(spans)
        given_up = None if result is SpanExportResult.SUCCESS else "it was given up"
        return result, self._road.trouble or given_up


class LibraryLines(logging.Handler):
    """Takes the OpenTelemetry libraries' warnings in place of the log from now on, and tells them seldom.

    Those of the exporter are dropped: `CollectorExporter` tells the same in one line.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told = Seldom(EVENT)
        logger = logging.getLogger(_LIBRARIES)
        logger.handlers = [self]
        logger.propagate = False
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != trace_exporter.__name__:
            self._told.tell(reason=record.getMessage())


class _Road(requests.Session):
    """Remembers in our own words why the last request did not work; uses no proxy or netrc of the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.trouble: str | None = None

    def request(self, *args: Any, **options: Any) -> requests.Response:
        try:
            answer = super().request(*args, **options)
        except requests.RequestException as error:
            self.trouble = next(words for kind, words in _WORDS if isinstance(error, kind))
            raise
        taken = 200 <= answer.status_code < 300  # a redirect is not followed
        self.trouble = None if taken else f"it answers {answer.status_code}"
        return answer


class _Verifying(HTTPAdapter):
    """Verifies servers by a context of ours."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **options)

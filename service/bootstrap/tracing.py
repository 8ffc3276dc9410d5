"""Traces as the settings describe them: to a collector, or none, and then nothing of OpenTelemetry is imported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from service.errors import SettingsError
from service.observability.tracing import NO_TRACING, Tracing
from service.outbound.tls import tls_context
from service.settings import Settings

if TYPE_CHECKING:
    from service.observability.tracing_otlp import OtlpTracing


@contextmanager
def tracing(settings: Settings, *, within: Callable[[], float]) -> Iterator[Tracing]:
    """Where traces go; on leaving, what waits is sent in as many seconds as `within` says then.

    Raises SettingsError where the extra is not installed, or OTEL_* variables cannot be used.
    """
    opened = _to_collector(settings) if settings.traces.endpoint is not None else NO_TRACING
    try:
        yield opened
    finally:
        opened.close(within())


def collector_trouble(settings: Settings) -> str | None:
    """Why the collector would take no spans; may take some seconds. Raises SettingsError as above."""
    opened = _to_collector(settings)
    try:
        return opened.trouble()
    finally:
        opened.close(0.0)


def _to_collector(settings: Settings) -> "OtlpTracing":
    assert settings.traces.endpoint is not None
    try:
        from service.observability.tracing_otlp import OtlpTracing  # noqa: PLC0415 - it takes the extra
    except ImportError as error:
        missing = f"DARKROOM_TRACES__ENDPOINT: traces need `pip install 'darkroom[traces]'` ({error.name} is missing)"
        raise SettingsError(missing) from None
    try:
        return OtlpTracing(
            endpoint=settings.traces.endpoint,
            ratio=settings.traces.ratio,
            tls=tls_context(settings.tls.ca_file),
            version=version("darkroom"),
            roles=sorted(role.value for role in settings.roles),
        )
    except ValueError as error:
        raise SettingsError(f"an OTEL_* variable cannot be used: {error}") from None

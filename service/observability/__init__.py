"""What the service shows of itself: log lines and metrics. It knows nothing of the rest of the house."""

from service.observability.logs import LogFormat, LogLevel, configure_logging
from service.observability.metrics import CallbackVerdict, Metrics

__all__ = ["CallbackVerdict", "LogFormat", "LogLevel", "Metrics", "configure_logging"]

"""structlog, set up once at start: one line per event on standard error, JSON off a terminal.

Lines of libraries that log through the standard library take the same way. Standard output is for results.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from service.observability.masking import masked_value


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_CHATTY = ("httpx", "httpcore", "aiohttp", "asyncio", "alembic", "sqlalchemy", "uvicorn", "uvicorn.access", "pyvips")
"""Libraries whose everyday lines repeat ours, or hold links."""

_INTERNAL = ("_record", "_from_structlog")
"""What structlog adds to the standard library's lines and takes out again before they are rendered."""

_ENCODER = json.JSONEncoder()


def configure_logging(
    format: LogFormat | None = None,
    level: LogLevel = LogLevel.INFO,
    *,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's lines to `stream` (standard error); without a format, look at it."""
    out = stream if stream is not None else sys.stderr
    on_terminal = out.isatty()
    chosen = format or (LogFormat.CONSOLE if on_terminal else LogFormat.JSON)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    if chosen is LogFormat.CONSOLE:
        shared.append(_without_controls)
    renderer = _renderer(chosen, colors=on_terminal)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Lines(out),
        cache_logger_on_first_use=False,
    )
    _route_standard_library(shared, renderer, out, threshold)


def _renderer(format: LogFormat, *, colors: bool) -> Processor:
    match format:
        case LogFormat.JSON:
            return structlog.processors.JSONRenderer(serializer=_as_json)
        case LogFormat.CONSOLE:
            return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _as_json(event: EventDict, **_settings: object) -> str:
    """The encoder is made once; what is masked has nothing in it that JSON does not know."""
    return _ENCODER.encode(event)


def _route_standard_library(shared: Sequence[Processor], renderer: Processor, out: TextIO, threshold: int) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(shared),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def _mask(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: value if key in _INTERNAL else masked_value(value) for key, value in event.items()}


def _without_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Values as a terminal may be given them: what is not shown but obeyed is spelt out. JSON does that itself."""
    return {key: _spelt_out(value) if isinstance(value, str) else value for key, value in event.items()}


def _spelt_out(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Makes loggers that know their name, as `structlog.get_logger(__name__)` passes it."""

    stream: TextIO

    def __call__(self, name: str = "darkroom", *_rest: object) -> "_Logger":
        return _Logger(name, self.stream)


@dataclass(frozen=True, slots=True)
class _Logger:
    """Writes rendered lines. A log that cannot be written must not break the work it tells of."""

    name: str
    stream: TextIO

    def msg(self, line: str) -> None:
        try:
            self.stream.write(f"{line}\n")
            self.stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = log = msg

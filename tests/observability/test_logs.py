"""Lines of our own and of libraries leave by one door, masked, in the format that was chosen."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service.observability import LogFormat, LogLevel, configure_logging


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError("no space left on device")


LIBRARIES = ("httpx", "httpcore", "aiohttp.client", "uvicorn.access")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """configure_logging is for whole processes; other tests get back what they had, and leave nothing to these."""
    root, loggers = logging.getLogger(), [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", *LIBRARIES)]
    handlers, level = root.handlers[:], root.level
    had = [(one, one.level, one.propagate, one.disabled, one.handlers[:]) for one in loggers]
    for one in loggers:  # a server that ran in this process has had its say on some of them
        one.setLevel(logging.NOTSET)
        one.propagate, one.disabled, one.handlers = True, False, []
    yield
    root.handlers, root.level = handlers, level
    for one, own_level, one.propagate, one.disabled, one.handlers in had:
        one.setLevel(own_level)
    structlog.reset_defaults()


def configured(
    format: LogFormat | None = LogFormat.JSON, level: LogLevel = LogLevel.INFO, *, stream: io.StringIO | None = None
) -> io.StringIO:
    out = stream or io.StringIO()
    configure_logging(format, level, stream=out)
    return out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("odd", ["a\u2028b\u0085c\x9bd \u7a7a", "a\u2028b\ud800"])
def test_a_line_stays_one_whatever_stands_in_it(odd: str) -> None:
    out = configured()
    structlog.get_logger("service.web").info("callback", status=odd)
    assert out.getvalue().isascii()
    (line,) = lines(out)
    assert line["status"] == odd


def test_a_line_is_one_json_object() -> None:
    out = configured()
    structlog.get_logger("service.web").info("callback", verdict="accepted", ms=1.5)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "callback", "level": "info", "logger": "service.web", "verdict": "accepted", "ms": 1.5}


def test_off_a_terminal_lines_are_json_and_on_one_they_are_for_people() -> None:
    out = configured(format=None)
    structlog.get_logger().info("ready")
    assert lines(out)[0]["event"] == "ready"
    terminal = configured(format=None, stream=Terminal())
    structlog.get_logger().info("ready")
    assert "ready" in terminal.getvalue()
    assert "{" not in terminal.getvalue()


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202eabc", "a\u2028b"])
def test_a_terminal_is_shown_what_would_command_it(odd: str) -> None:
    out = configured(LogFormat.CONSOLE, stream=Terminal())
    structlog.get_logger("service.web").info("callback", status=odd, within=[odd])
    logging.getLogger("some.library").warning("said %s", odd)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())  # our own colours
    assert odd not in text
    assert all(one.isprintable() for one in text.replace("\n", ""))
    assert text.count(ascii(odd[0])[1:-1] if not odd[0].isprintable() else "a\\u2028") == 3


def test_an_explicit_format_wins_over_the_terminal() -> None:
    terminal = configured(LogFormat.JSON, stream=Terminal())
    structlog.get_logger().info("ready")
    assert lines(terminal)[0]["event"] == "ready"


@pytest.mark.parametrize("format", LogFormat)
def test_tokens_and_links_appear_in_no_part_of_a_line(format: LogFormat) -> None:
    out = configured(format)
    log = structlog.get_logger().bind(bound="/a/SECRET")
    try:
        raise ValueError("GET https://files.evolink.ai/SECRET.png")
    except ValueError as error:
        log.exception("failed /callbacks/evolink/SECRET", path="/a/SECRET", nested=[{"url": "/x?SECRET"}], error=error)
        logging.getLogger("some.library").exception("cannot GET %s", "/callbacks/evolink/SECRET")
    assert "SECRET" not in out.getvalue()
    assert out.getvalue().count("ValueError") >= 2


def test_lines_of_libraries_take_the_same_way() -> None:
    out = configured()
    logging.getLogger("uvicorn.error").warning("port %d is taken", 8080)
    (line,) = lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("port 8080 is taken", "warning", "uvicorn.error")


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_that_tell_of_every_request_are_quiet(library: str) -> None:
    out = configured()
    logging.getLogger(library).info("HTTP Request: GET https://files.evolink.ai/x")
    assert out.getvalue() == ""
    logging.getLogger(library).warning("something is wrong")
    assert len(lines(out)) == 1


def test_what_is_below_the_level_is_not_logged() -> None:
    out = configured(level=LogLevel.WARNING)
    structlog.get_logger().info("no")
    logging.getLogger("library").info("no")
    structlog.get_logger().warning("yes")
    assert [line["event"] for line in lines(out)] == ["yes"]


def test_values_that_json_cannot_hold_are_logged_as_text() -> None:
    out = configured()
    structlog.get_logger().info("odd", value=object(), surrogate="\ud800", text="é")
    assert lines(out)[0]["value"].startswith("<object")


def test_a_log_that_cannot_be_written_breaks_nothing() -> None:
    configured(stream=Broken())
    structlog.get_logger().info("callback")
    closed = configured()
    closed.close()
    structlog.get_logger().info("callback")


def test_a_newline_in_a_value_cannot_forge_a_second_line() -> None:
    out = configured()
    structlog.get_logger().info("callback", word='completed\n{"event": "forged"}')
    assert len(lines(out)) == 1

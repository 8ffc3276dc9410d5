"""uvicorn's HTTP parser with bounds on all that costs: bytes, pieces, time and connections. Anyone can reach the port.

It looks at no path and at no body; what a request may do is decided behind it.
"""

import asyncio

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.connections import MOST, room, those_to_go

LARGEST_HEAD = 64 * 1024
"""Bytes of request line and headers, of which a callback URL takes at most 2048; and how much longer than twice its
body a message may be, so that trailers and chunk extensions end too."""

MOST_FIELDS = 256
"""Headers, or trailers, of a request."""

MOST_CHUNKS = 16_384
"""Chunks of a body: one of a megabyte may come in pieces of 64 bytes."""

MOST_WAITING = 64
"""Requests that wait on a connection for the answer to the one before them."""

HEAD_WITHIN = 10.0
"""Seconds from a connection, or from a request's first byte, to the end of its headers."""

MESSAGE_WITHIN = 20.0
"""Seconds from there to the end of the body: longer than those who read it wait, so that they can answer."""

TAKEN_WITHIN = 120.0
"""Seconds for a caller to take what is ready for it, which is a few megabytes at most."""

_END = b"content-length: 0\r\nconnection: close\r\n\r\n"
_BAD = b"HTTP/1.1 400 Bad Request\r\n" + _END
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _END
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n" + _END


class _Refused(Exception):  # noqa: N818 - never seen: it only stops the parser
    """The message is not read on."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose requests do not get to the point, or whose answers nobody takes."""

    head_within = HEAD_WITHIN
    message_within = MESSAGE_WITHIN
    taken_within = TAKEN_WITHIN
    most_connections = MOST

    since = 0.0
    _in_head = _in_message = True
    _fields = _chunks = _content = _overhead = 0
    _refusal = _BAD
    _method = _version = b""
    _running: RequestResponseCycle | None = None
    _late: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None

    @property
    def is_spare(self) -> bool:
        """Whether no request that came whole waits here for an answer that is being made."""
        cycle = self._running
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    # What the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()
        self._wait_for(self.head_within)
        most = room(self.most_connections)
        if len(self.connections) > most and not self._make_room(most):
            self._refuse(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._all_taken()
        self._unset_keepalive_if_required()
        self._forget_requests()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._content = 0
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        if self._in_message:
            self._overhead = max(0, self._overhead + len(data) - 2 * self._content)
            if self._overhead > LARGEST_HEAD:
                self._refuse(_TOO_LARGE)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._all_taken()

    # What the parser finds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = self._chunks = self._overhead = 0
        self._unset_keepalive_if_required()
        if not self._in_head:
            self._in_head = self._in_message = True
            self._wait_for(self.head_within)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > MOST_FIELDS:
            self._stop_parsing(_TOO_LARGE)
        if self._in_head:  # trailers are dropped: among the headers they would say what nobody has checked
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._method, self._version = self.parser.get_method(), self.parser.get_http_version().encode()
            if self._method == b"CONNECT":
                self._stop_parsing(_BAD)
            return
        if len(self.pipeline) >= MOST_WAITING or not self._names_its_host():
            self._stop_parsing(_BAD)
        super().on_headers_complete()
        self._in_head, self._fields = False, 0
        self.since = self.loop.time()
        self._unset_keepalive_if_required()
        self._wait_for(self.message_within)

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
            self._stop_parsing(_BAD)

    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_message = False
        self._stop_waiting()
        super().on_message_complete()

    # What the application does

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.since = self.loop.time()
        if self.transport.is_closing():
            self._expect_taking()
        elif self.pipeline:
            self.flow.pause_reading()

    def timeout_keep_alive_handler(self) -> None:
        self._cut()

    # What is done about it

    def _names_its_host(self) -> bool:
        """Once, as a proxy may go by another one than we; in HTTP/1.0 it need not (RFC 9112 section 3.2)."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        return hosts == 1 or (hosts == 0 and self.parser.get_http_version() == "1.0")

    def _feed(self, data: bytes) -> None:
        """Parse; a wish for another protocol, which the parser would end the message for, is taken out and ignored."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as wish:
                data = self._head_without_upgrade() + data[wish.args[0] :]
                self.parser = httptools.HttpRequestParser(self)

    def _head_without_upgrade(self) -> bytes:
        first = b"%s %s HTTP/%s\r\n" % (self._method, self.url, self._version)
        kept = (b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade")
        return first + b"".join(kept) + b"\r\n"

    def _stop_parsing(self, answer: bytes) -> None:
        self._refusal = answer
        raise _Refused

    def _refuse(self, answer: bytes) -> None:
        """Close, with an answer where it cannot be taken for another one."""
        if self.transport.is_closing():
            return
        if self._may_answer():
            self.transport.write(answer)
        self._forget_requests()
        self.transport.close()
        self._expect_taking()

    def _may_answer(self) -> bool:
        running = self._running
        if self._in_head:
            return running is None or (running.response_complete and not self.pipeline)
        return running is not None and running is self.cycle and not running.response_started

    def _make_room(self, most: int) -> bool:
        others = (one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self)
        going = those_to_go(others, most)
        for one in going:
            self.connections.discard(one)  # now: it is told of its end only later, and others may come before
            one.leave()
        return bool(going)

    def leave(self) -> None:
        """Close at once, as others need the place."""
        self._forget_requests()
        self.transport.abort()

    def _cut(self) -> None:
        if self.transport.get_write_buffer_size():
            self.leave()
        elif not self.transport.is_closing():
            self._forget_requests()
            self.transport.close()

    def _forget_requests(self) -> None:
        """Who works on one learns that nobody waits; a closed transport must not be written to."""
        for cycle in (self._running, self.cycle):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()

    def _wait_for(self, seconds: float) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(seconds, self._give_up, seconds)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self, seconds: float) -> None:
        if self.flow.read_paused:  # then it is we who make it wait
            self._wait_for(seconds)
        else:
            self._cut()

    def _expect_taking(self) -> None:
        if self._untaken is None:
            self._untaken = self.loop.call_later(self.taken_within, self.leave)

    def _all_taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

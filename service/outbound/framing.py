"""What a host may send beside a body: the heads of answers, interim ones, the framing of chunks. It reads no content.

All of that is taken apart in the interpreter, so a host that sends nothing else keeps a processor busy and its own time
unlimited: each piece counts as progress. Caps on bodies do not see it.
"""

import asyncio
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import set_exception

MOST = 64 * 1024
"""Bytes; heads of a few KiB are large."""

SHARE = 8
"""To so many bytes of body one of framing may come on top: chunks of 64 bytes have less, and hosts send KiB at once."""


class FramingError(aiohttp.ClientPayloadError):
    """A host sends far more framing than body."""


class FrugalConnection(ResponseHandler):
    """aiohttp's side of a connection, which is closed where the other end sends too much that is no body."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = 0
        self._last_body: object = None

    def set_response_params(self, **settings: Any) -> None:
        """A request goes out: what comes from here on is the answer to it."""
        self._received, self._last_body = 0, self._payload
        super().set_response_params(**settings)

    def data_received(self, data: bytes) -> None:
        """Closes the connection with a FramingError, once what came was read as far as it could be."""
        self._received += len(data)
        super().data_received(data)
        if self._reading_paused or self.transport is None:  # the parser has put something by, or is done
            return
        body = self._payload.total_bytes if self._payload is not None and self._payload is not self._last_body else 0
        if self._received - body > MOST + body // SHARE:
            error = FramingError("more framing than body")
            self.transport.close()
            self.set_exception(error)
            if self._payload is not None:
                set_exception(self._payload, error)


def frugal(connector: aiohttp.TCPConnector) -> aiohttp.TCPConnector:
    """The connector, opening such connections: aiohttp has no other way to say so, and tests send it floods."""
    connector._factory = partial(_connection, loop=asyncio.get_running_loop())
    return connector


def _connection(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return FrugalConnection(loop)

"""A gateway before the provider, on which submissions and their answers get lost. Everything else passes.

It ends TLS with a certificate of the tests' own: it has to tell a submission from a question about a task.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import httpx

from tests.support.listening import stop_listening
from tests.system.support.image_host import FORGIVEN
from tests.system.support.ports import free_port, listening_socket

SUBMIT = "POST /v1/images/generations"
PAGE = b"<!doctype html><title>One moment</title><p>Please try again."
HTML = [("content-type", "text/html")]
PASSED_ON = ("authorization", "content-type", "idempotency-key")
PASSED_BACK = ("content-type", "retry-after", "idempotency-replayed")


class Way(StrEnum):
    """What becomes of a submission. Where it is not the request that is lost or held, it has arrived."""

    OPEN = "open"
    REQUEST_CUT = "request_cut"  # the connection ends when the request is here
    REQUEST_HELD = "request_held"
    ANSWER_CUT = "answer_cut"
    ANSWER_HELD = "answer_held"
    PAGE = "page"  # an error page of the gateway's own stands for the answer
    NOISE = "noise"  # something that is not HTTP, and the end of the connection
    WRONG_PAGE = "wrong_page"  # 200, and a page that is not the API's


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `what` is its method and path."""

    what: str
    headers: Mapping[str, str]
    body: bytes


class Gateway:
    """Stands before one server from `open` to `close`; `way` is what the next submissions meet.

    What is held has `reached` it, and goes on when it is `let_go`, the way that it is then. Questions about tasks in
    `hidden` are answered with an error page; the list shows them all the same.
    """

    def __init__(self, target: str, *, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.way = Way.OPEN
        self.hidden: set[str] = set()
        self.met: Counter[Way] = Counter()
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()
        self._server_tls = server_tls
        self._there = httpx.AsyncClient(base_url=target, verify=client_tls, trust_env=False, timeout=60)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        listener = listening_socket("127.0.0.1", self.port)
        self._server = await asyncio.start_server(self._serve, sock=listener, ssl=self._server_tls)

    async def stop_listening(self) -> None:
        """Until it is opened again, connections are refused."""
        if self._server is not None:
            closing, self._server = self._server, None
            await stop_listening(closing)

    async def close(self) -> None:
        await self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._there.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(*FORGIVEN, httpx.TransportError):
                while (answer := await self._answer(await _request(reader))) is not None:
                    writer.write(answer)
                    await writer.drain()
                    if not answer.startswith(b"HTTP"):
                        break
        except asyncio.CancelledError:
            pass  # the test is over; asyncio would complain
        finally:
            writer.close()

    async def _answer(self, asked: Asked) -> bytes | None:
        """What to send back; None to end the connection."""
        if asked.what.rpartition("/")[2] in self.hidden:
            return _written("502 Bad Gateway", HTML, PAGE)
        if asked.what != SUBMIT:
            return await self._passed_on(asked)
        self.met[self.way] += 1
        if self.way is Way.REQUEST_HELD:
            await self._hold()
        if self.way is Way.REQUEST_CUT:
            return None
        answer = await self._passed_on(asked)
        if self.way is Way.ANSWER_HELD:
            await self._hold()
        return _instead(self.way, answer)

    async def _hold(self) -> None:
        self.reached.set()
        await self.let_go.wait()

    async def _passed_on(self, asked: Asked) -> bytes:
        method, path = asked.what.split(" ")
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        answer = await self._there.request(method, path, headers=headers, content=asked.body)
        kept = [(name, answer.headers[name]) for name in PASSED_BACK if name in answer.headers]
        return _written(f"{answer.status_code} {answer.reason_phrase}", kept, answer.content)


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0].removesuffix(" HTTP/1.1"), headers, body)


def _instead(way: Way, answer: bytes) -> bytes | None:
    match way:
        case Way.ANSWER_CUT:
            return None
        case Way.PAGE:
            return _written("502 Bad Gateway", HTML, PAGE)
        case Way.WRONG_PAGE:
            return _written("200 OK", HTML, PAGE)
        case Way.NOISE:
            return PAGE
        case _:
            return answer


def _written(status: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

"""The provider's task API on a loopback socket, in a thread of its own: for commands that take settings only."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]
"""Status, body (bytes, or something to send as JSON), and headers if any."""

NO_TASK: Answer = (404, {"error": {"code": "task_not_found", "message": "no such task"}})
NO_ROUTE: Answer = (404, b"<html>not here</html>")
EMPTY: Answer = (200, {"data": [], "has_more": False})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class LoopbackProvider:
    """`read` answers for one task by its id, `page` for the list, `submit` a submission by its JSON; there is no route
    for several at once."""

    read: Callable[[str], Answer] = lambda _: NO_TASK
    page: Callable[[], Answer] = lambda: EMPTY
    submit: Callable[[Any], Answer] = lambda _: NO_ROUTE
    url: str = ""
    requests: list[Asked] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        self.reached.set()
        if asked.path == "/v1/images/generations":
            return self.submit(json.loads(asked.body))
        if asked.method != "GET":
            return NO_ROUTE
        path = asked.path.partition("?")[0]
        return self.page() if path.endswith("/v1/tasks") else self.read(path.rpartition("/")[2])

    @property
    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.requests]


def showing(*tasks: Mapping[str, Any]) -> LoopbackProvider:
    """A provider whose account has these tasks; its list shows no links."""
    known = {str(task["id"]): task for task in tasks}
    lines = [{name: value for name, value in task.items() if name != "results"} for task in tasks]
    return LoopbackProvider(
        read=lambda task_id: (200, known[task_id]) if task_id in known else NO_TASK,
        page=lambda: (200, {"data": lines, "has_more": False}),
    )


@contextmanager
def on_loopback(provider: LoopbackProvider, *, tls: ssl.SSLContext | None = None) -> Iterator[LoopbackProvider]:
    """Serve it for as long as the block runs; its `url` says where."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, *more = provider.answer(Asked(self.command, self.path, headers, sent))
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing on standard error: tests read it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    provider.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""What every answer gets: `nosniff`, and `Connection: close` while shutting down. Plain ASGI, no buffering."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOSNIFF = (b"x-content-type-options", b"nosniff")


class AnswerHeaders:
    """Adds headers to answers; `draining` tells whether connections should be given up."""

    def __init__(self, app: ASGIApp, *, draining: Callable[[], bool]) -> None:
        self._app = app
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if all(name != _NOSNIFF[0] for name, _ in headers):
                    headers.append(_NOSNIFF)
                if self._draining():
                    MutableHeaders(raw=headers)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_with_headers)

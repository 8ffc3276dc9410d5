"""Browsers that logged in: the cookie that names their session, and whether a request of theirs may change anything.

A cookie is sent by itself, also where another site makes the browser ask: so it opens what only looks, and what changes
anything takes the session's write token, too, which no other site can read.
"""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from service.domain.api_key import ApiKey, Denial
from service.keys.known import Denied
from service.keys.sessions import Sessions

WRITE_TOKEN = "X-Write-Token"  # noqa: S105 - a header's name
"""The header of requests that change something; forms send it as the field `write_token`."""

_SAFE = frozenset({"GET", "HEAD"})


class Browsers:
    """Sessions in cookies; `secure` where browsers come by HTTPS only, which binds the cookie to this host."""

    def __init__(self, sessions: Sessions, *, secure: bool) -> None:
        self._sessions = sessions
        self._secure = secure
        self._cookie = "__Host-darkroom" if secure else "darkroom"

    def session_of(self, request: Request) -> str | None:
        """The session that a browser shows, good or not."""
        return request.cookies.get(self._cookie)

    def key_of(self, request: Request) -> ApiKey | Denied:
        """The key that this browser's session opens as. A session that ended was no guess at a key."""
        shown = self.session_of(request)
        key = self._sessions.key_of(shown, now=datetime.now(UTC)) if shown else Denied(Denial.MISSING)
        if isinstance(key, Denied) and key.why is not Denial.UNCERTAIN:
            return Denied(Denial.MISSING)
        return key

    def write_token(self, request: Request) -> str:
        return self._sessions.write_token(self.session_of(request) or "")

    def may(self, request: Request, token: str) -> bool:
        """Whether a request only looks, or shows this session's write token."""
        return request.method in _SAFE or self._sessions.may_write(self.session_of(request) or "", token)

    def begin(self, response: Response, key: ApiKey) -> None:
        """Log in: the browser keeps it until it ends, and no script can read it."""
        text, session = self._sessions.begin(key, now=datetime.now(UTC))
        response.set_cookie(
            self._cookie, text, expires=session.expires_at, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def end(self, response: Response) -> None:
        response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

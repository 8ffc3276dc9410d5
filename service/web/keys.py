"""The guard of the routes: `Authorization: Bearer`, the scope that each route asks for, and who failed too often.

Unknown, revoked and expired keys get the same answer. An address that has failed too often is answered 429 before
anything is compared, unless it shows a key that was made here: those cannot be guessed, and their holders are not to
pay for a neighbour behind the same address, whose noise is still counted and logged sparingly.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.domain.api_key import ApiKey, Denial, Scope, is_made_here
from service.domain.audit import Actor, request_id_of
from service.domain.failures import address_of
from service.keys.failures import Failures
from service.keys.known import Denied, KnownKeys
from service.web.browsers import WRITE_TOKEN, Browsers
from service.web.problems import problem

__all__ = ["ApiKeys", "Endpoint", "Refuse", "Scope", "actor_of"]

Endpoint = Callable[[Request], Awaitable[Response]]
Guarded = tuple[Scope, Endpoint]


class Refuse(Protocol):
    """Says no to a request, in the shape that its route's callers know."""

    def __call__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> Response: ...


def actor_of(request: Request) -> Actor:
    """Who asks, at a guarded endpoint."""
    actor = request.state.actor
    assert isinstance(actor, Actor)
    return actor


def actor_by(request: Request, key: ApiKey) -> Actor:
    """Who asks, with this key."""
    address = address_of(host_of(request))
    request_id = request_id_of(request.headers.get("x-request-id"))
    return Actor(key.id, key.name, key.scopes, request_id, str(address) if address else None)


def host_of(request: Request) -> str | None:
    return request.client.host if request.client else None


class ApiKeys:
    """Guards endpoints; which scope each needs stands beside its route."""

    def __init__(self, known: KnownKeys, failures: Failures, browsers: Browsers | None = None) -> None:
        self._known = known
        self._failures = failures
        self._browsers = browsers

    def route(self, path: str, *, refuse: Refuse = problem, **endpoints: Guarded) -> Route:
        """One route for all methods of a path, so that 405 can name them: `GET=(Scope.READ, endpoint)`."""
        guarded = {
            method: self.require(scope, endpoint, refuse=refuse) for method, (scope, endpoint) in endpoints.items()
        }

        async def dispatch(request: Request) -> Response:
            return await guarded["GET" if request.method == "HEAD" else request.method](request)

        return Route(path, dispatch, methods=list(guarded))

    def require(self, scope: Scope, endpoint: Endpoint, *, refuse: Refuse = problem) -> Endpoint:
        """The endpoint for callers whose key has the scope, which finds who asks by `actor_of`; 401, 403, 429 or 503
        for the others."""

        async def guarded(request: Request) -> Response:
            host, browsers = host_of(request), self._browsers_for(request)
            if browsers is None:
                key = self.identify(request.headers.get("authorization"), host=host)
            else:
                key = browsers.key_of(request)
            if isinstance(key, Denied):
                self._failures.add(host, key.why, key.key)
                return _refused(key.why, refuse, wait=self._failures.wait(host))
            if browsers is not None and not browsers.may(request, request.headers.get(WRITE_TOKEN, "")):
                return refuse(403, "write_token_needed", f"a browser's session changes things with {WRITE_TOKEN}")
            if not key.may(scope):
                return refuse(403, "forbidden", f"this key lacks the scope {scope.value}")
            request.state.actor = actor_by(request, key)
            return await endpoint(request)

        return guarded

    def _browsers_for(self, request: Request) -> Browsers | None:
        """Who knows the session that a request shows; a key that it shows as well counts instead."""
        if self._browsers is None or "authorization" in request.headers:
            return None
        return self._browsers if self._browsers.session_of(request) is not None else None

    def identify(self, authorization: str | None, *, host: str | None = None) -> ApiKey | Denied:
        """The key of an Authorization header from a client's address."""
        scheme, _, secret = (authorization or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            return Denied(Denial.MISSING)
        limited = self._failures.wait(host) > 0
        if limited and not is_made_here(secret):
            return Denied(Denial.LIMITED)
        found = self._known.find(secret, now=datetime.now(UTC))
        if limited and isinstance(found, Denied):
            return Denied(Denial.LIMITED, found.key)
        return found

    def log_in(self, request: Request, secret: str) -> ApiKey | Denied:
        """The key that somebody typed; a wrong one counts as everywhere."""
        key = self.identify(f"Bearer {secret}", host=host_of(request))
        if isinstance(key, Denied):
            self._failures.add(host_of(request), key.why, key.key)
        return key


def _refused(why: Denial, refuse: Refuse, *, wait: int) -> Response:
    if why is Denial.LIMITED:
        detail = "too many requests from this address had no valid key; send a valid one, later"
        return refuse(429, "too_many_failures", detail, headers={"Retry-After": str(max(1, wait))})
    if why is Denial.UNCERTAIN:
        detail = "keys cannot be looked up just now; send the request again"
        return refuse(503, "unavailable", detail, headers={"Retry-After": "1"})
    return refuse(
        401,
        "unauthorized",
        "a valid API key is needed: Authorization: Bearer …",
        headers={"WWW-Authenticate": 'Bearer realm="darkroom"'},
    )

"""API keys and scopes: `Authorization: Bearer`. Only hashes are kept; they compare in constant time."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.web.problems import problem

Endpoint = Callable[[Request], Awaitable[Response]]


class Refuse(Protocol):
    """Says no to a request, in the shape that its route's callers know."""

    def __call__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> Response: ...


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_INCLUDES = {
    Scope.READ: {Scope.READ},
    Scope.WRITE: {Scope.READ, Scope.WRITE},
    Scope.ADMIN: {Scope.READ, Scope.WRITE, Scope.ADMIN},
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is known by its SHA-256 (hex), and what it may do."""

    name: str
    sha256: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return any(scope in _INCLUDES[held] for held in self.scopes)


Guarded = tuple[Scope, Endpoint]


class ApiKeys:
    """Guards endpoints; which scope each needs stands beside its route."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    def identify(self, authorization: str | None) -> ApiKey | None:
        """The key of an Authorization header. Every known key is compared, so time tells nothing."""
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            return None
        given = hashlib.sha256(secret.strip().encode("utf-8", "surrogatepass")).hexdigest()
        matches = [key for key in self._keys if hmac.compare_digest(key.sha256, given)]
        return matches[0] if matches else None

    def route(self, path: str, *, refuse: Refuse = problem, **endpoints: Guarded) -> Route:
        """One route for all methods of a path, so that 405 can name them: `GET=(Scope.READ, endpoint)`."""
        guarded = {
            method: self.require(scope, endpoint, refuse=refuse) for method, (scope, endpoint) in endpoints.items()
        }

        async def dispatch(request: Request) -> Response:
            return await guarded["GET" if request.method == "HEAD" else request.method](request)

        return Route(path, dispatch, methods=list(guarded))

    def require(self, scope: Scope, endpoint: Endpoint, *, refuse: Refuse = problem) -> Endpoint:
        """The endpoint for callers whose key has the scope, which finds its name in the request's state as `key_name`;
        401 or 403 for the others."""

        async def guarded(request: Request) -> Response:
            key = self.identify(request.headers.get("authorization"))
            if key is None:
                return refuse(
                    401,
                    "unauthorized",
                    "a valid API key is needed: Authorization: Bearer …",
                    headers={"WWW-Authenticate": 'Bearer realm="darkroom"'},
                )
            if not key.may(scope):
                return refuse(403, "forbidden", f"this key lacks the scope {scope.value}")
            request.state.key_name = key.name
            return await endpoint(request)

        return guarded

"""One operation of the API as data. Pure declarations: nothing here serves, and nothing here knows OpenAPI's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from service.domain.api_key import Scope
from service.web.parameters import Parameter

PROBLEM = "application/problem+json"
JSON = "application/json"
IMAGES = ("image/png", "image/jpeg", "image/webp")


class Tag(Enum):
    """Groups of operations, in the order of the document: name, and what they are about."""

    CALLBACKS = "Callbacks", "What the provider calls, the URLs that it is given, and the inbox of all that came."
    TASKS = "Tasks", "Generation jobs at the provider."
    ASSETS = "Assets", "The images, their bytes, and links to them."
    SUBMIT = "Submit", "The provider's own routes, for its clients, and what became of each submission."
    EVENTS = "Events", "What endpoints of yours were told, and telling them again."
    FIGURES = "Figures", "Counts, costs and budgets."
    KEYS = "Keys", "API keys, and the trail of who changed what."
    SERVICE = "Service", "Health, metrics and this description."


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer; `always` means that each such answer has it."""

    name: str
    says: str
    always: bool = True


@dataclass(frozen=True, slots=True)
class Follow:
    """What can be asked with an answer: another operation, and where in the answer its path's parameters stand."""

    operation: str
    where: Mapping[str, str]


def first_of(operation: str) -> Follow:
    """What can be asked with a list: of its first item."""
    return Follow(operation, {"id": "$response.body#/items/0/id"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error: its JSON is of the type `shape`, or its media types are others."""

    status: int
    says: str
    shape: Any = None
    media: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    follow: tuple[Follow, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A request's JSON: of a pydantic model that reads it, or as a schema says; `example` is a good one."""

    model: Any = None
    schema: Mapping[str, Any] | None = None
    required: bool = True
    example: Any = None
    reads_strictly: bool = True  # by `web.body.read_model`, with its refusals


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, for who has a key with `scope`, or for everybody where that is None.

    `refuses` are the codes of its errors by status, besides those that follow from scope, query and body. With
    `provider` errors have the provider's shape.
    """

    method: str
    path: str
    id: str
    tag: Tag
    scope: Scope | None
    summary: str
    answers: tuple[Answer, ...]
    says: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    query: tuple[Parameter, ...] = ()
    strict_query: bool = True
    headers: tuple[Parameter, ...] = ()
    body: Body | None = None
    refuses: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    provider: bool = False
    passes_on: str = ""  # what else is answered 4xx, as it came from somebody else

    @property
    def refusals(self) -> dict[int, list[str]]:
        """All codes of its errors, by status."""
        found: dict[int, list[str]] = {}

        def add(status: int, *codes: str) -> None:
            known = found.setdefault(status, [])
            known.extend(code for code in codes if code not in known)

        if self.scope is not None:
            add(401, "unauthorized")
            add(403, "forbidden")
            add(429, "too_many_failures")
            add(503, "unavailable")
        if self.query:
            add(400, *(["unknown_parameter"] if self.strict_query else []), "repeated_parameter")
            add(400, *(one.code for one in self.query))
        if self.body is not None and self.body.reads_strictly:
            add(400, "invalid_request", "body_incomplete")
            add(413, "body_too_large")
            add(415, "unsupported_media_type")
        for status, codes in self.refuses.items():
            add(status, *codes)
        return dict(sorted(found.items()))

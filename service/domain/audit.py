"""Who changed what: the words of the audit trail. Pure; what is written of them holds no secret, prompt or link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.domain.api_key import Scope

COMMAND = "command"
"""The id of who has no key: a command, by the name of the user of the system."""

LONGEST_REQUEST_ID = 128


class Action(StrEnum):
    """What can be changed by people and their programs."""

    CALLBACK_URL_MINTED = "callback_url.minted"
    CALLBACK_URL_REVOKED = "callback_url.revoked"
    TASK_TOLD = "task.told"
    TASK_RETRIED = "task.retried"
    TASK_TAGGED = "task.tagged"
    TASK_HELD = "task.held"
    TASK_RELEASED = "task.released"
    ASSET_DELETED = "asset.deleted"
    ORPHAN_REMOVED = "orphan.removed"
    LINK_SIGNED = "link.signed"
    LINK_REVOKED = "link.revoked"
    CALLBACKS_REPLAYED = "callbacks.replayed"
    EVENTS_REPLAYED = "events.replayed"
    SUBMISSION_MADE = "submission.made"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change: a key by id and name with its scopes, or a command by its user, who may do everything."""

    id: str
    name: str
    scopes: frozenset[Scope]
    request_id: str | None = None
    address: str | None = None

    @property
    def shown(self) -> str:
        return f"({COMMAND}: {self.name})" if self.id == COMMAND else self.name


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: who made it when, of what, and what is worth knowing of it."""

    at: datetime
    actor_id: str
    actor_name: str
    action: str  # another version may know more of them
    subject: str | None = None
    request_id: str | None = None
    address: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


def command_of(user: str) -> Actor:
    return Actor(COMMAND, user, frozenset({Scope.ADMIN}))


def request_id_of(header: str | None) -> str | None:
    """The id that a proxy or a client gave to a request, where it is one."""
    if header is None or not 0 < len(header) <= LONGEST_REQUEST_ID:
        return None
    return header if header.isascii() and header.isprintable() else None

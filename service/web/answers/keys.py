"""API keys, and the trail of who changed what."""

from typing_extensions import TypedDict

from service.domain.api_key import Scope
from service.web.answers.document import Time, described


@described
class SettingKeyDocument(TypedDict):
    """A key that stands in the settings."""

    id: str
    name: str
    scopes: list[Scope]


@described
class KeyDocument(SettingKeyDocument):
    """A key that was made here, without itself."""

    note: str | None
    replaces: str | None
    """The id of the key whose name it took."""
    created_at: Time
    created_by: str
    last_used_at: Time | None
    """To the minute or so."""
    expires_at: Time | None
    revoked_at: Time | None


@described
class NewKeyDocument(KeyDocument):
    """A key that was made just now."""

    key: str
    """The key itself; nothing shows it again."""


@described
class KeysDocument(TypedDict):
    """Keys that were made here, the newest first, and those of the settings."""

    items: list[KeyDocument]
    next: str | None
    """The `cursor` of the next page; null on the last one."""
    setting: list[SettingKeyDocument]


@described
class ActorDocument(TypedDict):
    """A key, or a command by its user, whose id is `command`."""

    id: str
    name: str


@described
class AuditEntryDocument(TypedDict):
    """One change: who made it, and of what."""

    id: str
    at: Time
    actor: ActorDocument
    action: str
    subject: str | None
    """The id of what was changed."""
    request_id: str | None
    """The request's `X-Request-Id`."""
    address: str | None
    detail: dict[str, str]

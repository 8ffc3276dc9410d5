"""Images, and the signed links to them."""

from typing_extensions import TypedDict

from service.domain.asset import AssetReason, AssetStatus
from service.domain.image import ImageFormat
from service.web.answers.document import Count, JsonObject, Sha256, Time, Url, described


@described
class AssetDocument(TypedDict):
    """One result image of a task. What concerns its bytes is null until it is archived, and after it was deleted."""

    id: str
    """The task's id, a dot, and the index."""
    task_id: str
    index: Count
    """Its place among the task's images, from 0; never given to another one."""
    status: AssetStatus
    reason: AssetReason | None
    """Why it is dead."""
    detail: str | None
    """The last failure in words."""
    url_host: str | None
    """The host that it comes from."""
    attempts: Count
    next_attempt_at: Time | None
    deadline: Time | None
    """When the provider's link stops to work."""
    sha256: Sha256 | None
    bytes: Count | None
    format: ImageFormat | None
    media_type: str | None
    width: Count | None
    """Pixels."""
    height: Count | None
    """Pixels."""
    object_key: str | None
    """Its name in the archive."""
    archived_at: Time | None
    content_url: Url | None
    """Its bytes, for who has a key."""
    thumbnail_url: Url | None
    details: JsonObject | None
    """What the image tells of itself, detected and not verified: provenance, metadata, layout, and what its pixels look
    like. Null until it was looked at."""


@described
class AlikeDocument(TypedDict):
    """An image that looks like another one."""

    distance: Count
    """Bits in which their perceptual hashes differ."""
    asset: AssetDocument


@described
class SimilarDocument(TypedDict):
    """Images that look like one, the nearest first."""

    items: list[AlikeDocument]
    distance: Count
    """Up to how many bits were looked for."""
    complete: bool
    """Whether none was left out."""


@described
class LinkDocument(TypedDict):
    """A signed link to an image, without the link itself."""

    id: str
    asset_id: str
    created_at: Time
    expires_at: Time | None
    """When it ends; null: it works until it is revoked."""
    revoked_at: Time | None


@described
class SignedLinkDocument(LinkDocument):
    """A signed link to an image."""

    url: Url
    """For who has no key; shown once."""

"""Which archived images are kept no longer: rules by age, number and bytes, of all images or of a tag. Pure.

Each rule goes from the oldest image on, so what it is over is the beginning of one order, whatever its limits are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.asset import Asset, AssetStatus
from service.domain.task import Task


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """What is kept of the images of a tag, which is a name, or a name and its value with a colon between them.

    Without a tag it is about all images. Each limit holds by itself; None sets none.
    """

    name: str
    tag: str | None = None
    max_age: timedelta | None = None
    max_images: int | None = None
    max_bytes: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it matters how much there is."""
        return self.max_images is not None or self.max_bytes is not None


@dataclass(frozen=True, slots=True)
class Surplus:
    """What is too much by a rule: all that was archived `before`, and so many `images` and `size` bytes."""

    rule: RetentionRule
    before: datetime | None = None
    images: int = 0
    size: int = 0

    def why(self, archived_at: datetime) -> str | None:
        """Why the oldest image that is left goes, for people; None where it stays, and all newer ones with it."""
        if self.before is not None and archived_at < self.before:
            return f"older than {_days(self.rule.max_age)}"
        if self.images > 0:
            return f"more than {self.rule.max_images} images"
        return f"more than {self.rule.max_bytes} bytes" if self.size > 0 else None

    def without(self, size: int) -> "Surplus":
        """What is too much when an image of so many bytes is gone."""
        return replace(self, images=self.images - 1, size=self.size - size)


def surplus(rule: RetentionRule, *, images: int, size: int, now: datetime) -> Surplus:
    """What is too much where there are so many images of so many bytes; what is held does not count."""
    return Surplus(
        rule,
        before=now - rule.max_age if rule.max_age is not None else None,
        images=images - rule.max_images if rule.max_images is not None else 0,
        size=size - rule.max_bytes if rule.max_bytes is not None else 0,
    )


def may_go(rule: RetentionRule, task: Task, asset: Asset) -> bool:
    """Whether a rule is still about an image that it was about a moment ago."""
    is_about = rule.tag is None or has_tag(task.tags, rule.tag)
    return task.hold is None and asset.status is AssetStatus.ARCHIVED and is_about


def has_tag(tags: Mapping[str, str], tag: str) -> bool:
    """Whether there is a tag of this name, or of this name and value."""
    return tag in tags or any(f"{name}:{value}" == tag for name, value in tags.items())


def _days(age: timedelta | None) -> str:
    assert age is not None
    days, rest = divmod(age, timedelta(days=1))
    return f"{days} days" if days > 1 and not rest else f"{age / timedelta(hours=1):g} hours"

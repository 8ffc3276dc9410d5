"""Which archived images are deleted after a time, or when there are too many."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from service.domain.retention import RetentionRule
from service.settings import values
from service.settings.fields import Count, JsonList, PositiveDuration, Size, setting
from service.settings.groups import Group


class RetentionRuleSetting(Group):
    """Limits of all images, or of those with a tag."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(values.word)]
    tag: Annotated[str, AfterValidator(values.word)] | None = None
    max_age: Annotated[PositiveDuration, Field(ge=timedelta(hours=1))] | None = None
    max_images: Annotated[Count, Field(ge=1)] | None = None
    max_bytes: Annotated[Size, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.max_age is None and self.max_images is None and self.max_bytes is None:
            raise ValueError("at least one of max_age, max_images and max_bytes")
        return self

    @property
    def rule(self) -> RetentionRule:
        tag = self.tag.replace("=", ":", 1) if self.tag is not None else None
        return RetentionRule(self.name, tag, self.max_age, self.max_images, self.max_bytes)


class Retention(Group):
    rules: Annotated[tuple[RetentionRuleSetting, ...], JsonList, AfterValidator(values.names_differ)] = setting(
        (),
        "Which archived images are deleted, once an hour: those over a limit of a rule, the oldest first. "
        "Without rules everything is kept.",
        takes='a JSON list such as [{"name": "drafts", "tag": "stage=draft", "max_age": "30d"}, {"name": "room", '
        '"max_bytes": "500 GiB"}], with at least one of max_age (from 1h on), max_images and max_bytes, and a tag as '
        "name or name=value at will",
        shown="none",
    )

"""The groups of settings about what is submitted through us: models, prices and budgets, and who is told of the end."""

import base64
import binascii
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from service.domain.announcement import EventKind
from service.domain.budget import Period
from service.settings import values
from service.settings.fields import Items, JsonList, ReadableFile, Secret, Switch, setting
from service.settings.groups import Group

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
SHORTEST_SECRET, LONGEST_SECRET = 24, 64
"""Bytes, by the specification of Standard Webhooks."""


class Submit(Group):
    other_models: Switch = setting(
        "off",
        "Pass submissions for models other than gpt-image-2 and gpt-image-2-beta on, without looking at them.",
        takes="on or off",
    )


class BudgetSetting(Group):
    """What one key, one tag or everybody may spend in a day or a month (UTC)."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(values.word)]
    key: Annotated[str, AfterValidator(values.word)] | None = None
    tag: Annotated[str, AfterValidator(values.tag)] | None = None
    per: Period
    warn_usd: Annotated[Decimal, Field(ge=0, le=10**6)] | None = None
    stop_usd: Annotated[Decimal, Field(ge=0, le=10**6)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.key is not None and self.tag is not None:
            raise ValueError("key or tag, not both")
        if self.warn_usd is None and self.stop_usd is None:
            raise ValueError("at least one of warn_usd and stop_usd")
        if self.warn_usd is not None and self.stop_usd is not None and self.warn_usd > self.stop_usd:
            raise ValueError("warn_usd is above stop_usd")
        return self


class Cost(Group):
    prices: ReadableFile | None = setting(
        None,
        "Price lists in place of the built-in ones.",
        takes="the path of a JSON file in the form of the built-in prices",
    )
    budgets: Annotated[tuple[BudgetSetting, ...], JsonList, AfterValidator(values.names_differ)] = setting(
        (),
        "What may be spent by submissions: of a key, of a tag, or of all.",
        takes='a JSON list such as [{"name": "team", "key": "me", "per": "month", "warn_usd": 80, "stop_usd": 100}], '
        'with "tag": "name=value" or neither in place of key, and per day or month',
        shown="none",
    )


class EndpointSetting(Group):
    """Somebody who is told of events, and the secrets that sign for them: all sign, so that they can be rotated."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(values.endpoint_name)]
    url: Annotated[SecretStr, AfterValidator(values.endpoint_url)]
    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=8)]
    events: Annotated[frozenset[EventKind], Field(min_length=1)] = frozenset(EventKind)

    @field_validator("secrets", mode="before")
    @classmethod
    def _secrets_are_several(cls, secrets: object) -> object:
        if isinstance(secrets, str):
            raise ValueError("secrets is a list")
        return secrets

    @field_validator("secrets")
    @classmethod
    def _secrets_are_keys(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            text = secret.get_secret_value()
            try:
                size = len(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
            except binascii.Error:
                size = 0
            if not text.startswith(SECRET_PREFIX) or not SHORTEST_SECRET <= size <= LONGEST_SECRET:
                raise ValueError(
                    f"a secret is {SECRET_PREFIX} and {SHORTEST_SECRET} to {LONGEST_SECRET} bytes in base64"
                )
        return secrets


class Notify(Group):
    endpoints: Annotated[tuple[EndpointSetting, ...], JsonList, AfterValidator(values.names_differ)] = setting(
        (),
        "Who is told of events: HTTPS endpoints, and the secrets that sign for them.",
        takes='a JSON list such as [{"name": "shop", "url": "https://example.com/hooks", "secrets": ["whsec_…"]}], '
        f"with events at will, some of {', '.join(EventKind)}",
        shown="none",
        secret=True,
    )
    trusted_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], Items] = setting(
        "",
        "Networks that events and callbacks may be sent to although they are not public.",
        takes="networks such as 10.0.0.0/8",
        shown="none",
    )

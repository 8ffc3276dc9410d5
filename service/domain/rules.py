"""What the operator decides about events: how far callbacks are believed, how long we wait, where links may lead."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ConfirmMode(StrEnum):
    """Whether the provider is asked before a callback is believed."""

    OFF = "off"  # a callback is believed
    PREFERRED = "preferred"  # the provider is asked; while it cannot be, callbacks are believed after the patience
    REQUIRED = "required"  # the provider is asked, however long that takes


@dataclass(frozen=True, slots=True)
class Rules:
    """`can_ask` tells that there is a provider key, here or in another process; patience and horizon count only then.

    `patience`: how long a provider may not know a task, or say nothing, before that counts.
    `horizon`: how long a task may take to finish.
    """

    link_lifetime: timedelta
    allowed_hosts: tuple[str, ...]
    mode: ConfirmMode = ConfirmMode.OFF
    can_ask: bool = False
    patience: timedelta = timedelta(minutes=5)
    horizon: timedelta = timedelta(hours=24)

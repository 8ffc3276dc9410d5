"""Whom the reconciler asks: the provider's client, or nobody where there is no key."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from service.intake.answers import NobodyToAsk
from service.provider.reading import ProviderHealth, Reading

LARGE_BATCH = 200


class Provider(Protocol):
    """Answers questions about tasks; whatever goes wrong outside is an answer too."""

    @property
    def most_at_once(self) -> int: ...

    @property
    def pause(self) -> float: ...

    @property
    def health(self) -> ProviderHealth: ...

    @property
    def silent_for(self) -> float: ...

    async def read(self, task_ids: Sequence[str]) -> Mapping[str, Reading | NobodyToAsk]: ...

    async def reachable(self) -> bool: ...


class Nobody:
    """In place of the provider where there is no key: told tasks wait for their callback, and their time runs out."""

    most_at_once = LARGE_BATCH
    pause = 0.0
    silent_for = 0.0
    health = ProviderHealth()

    async def read(self, task_ids: Sequence[str]) -> Mapping[str, Reading | NobodyToAsk]:
        return {task_id: NobodyToAsk() for task_id in task_ids}

    async def reachable(self) -> bool:
        return False

"""How the provider treats us, told on change only: one log line, one call of whoever listens."""

from collections.abc import Callable
from datetime import datetime

import structlog

from service.provider.reading import HealthState, ProviderHealth

log = structlog.get_logger(__name__)

_BAD = (HealthState.DOWN, HealthState.REFUSED)


class HealthWatch:
    """Remembers the state and tells `on_health` of every change."""

    def __init__(self, *, on_health: Callable[[ProviderHealth], None], now: Callable[[], datetime]) -> None:
        self._on_health = on_health
        self._now = now
        self.health = ProviderHealth()

    def saw(self, state: HealthState, detail: str | None = None) -> None:
        """The provider is in this state; the detail of the first time counts."""
        before = self.health.state
        if state is before:
            return
        self.health = ProviderHealth(state, self._now(), detail)
        if state is HealthState.REFUSED:
            log.error("provider_key_refused", detail=detail)
        elif state is HealthState.DOWN:
            log.warning("provider_down", detail=detail)
        elif before in _BAD:
            log.info("provider_answers_again", was=before)
        self._on_health(self.health)

"""A gauge that may be unknown: what has to be looked up is shown while it is fresh, and left out when it is not.

A figure that stays where it was while nobody can look is worse than none: it says that all is well. Absent rather than
NaN, because NaN spoils averages and autoscalers, and takes part in no comparison anyway.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

FRESH_SECONDS = 60.0
"""How long a figure is shown after it was set; whoever looks does so every few seconds, and pauses up to 30 s."""


class Figure(Collector):
    """One series without labels; `clock` is monotonic, in seconds. Its name and help text are there from the start."""

    def __init__(
        self, name: str, documentation: str, *, registry: CollectorRegistry, clock: Callable[[], float]
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._clock = clock
        self._value = 0.0
        self._fresh_until: float | None = None
        registry.register(self)

    def set(self, value: float) -> None:
        """This is so just now."""
        self._value = value
        self._fresh_until = self._clock() + FRESH_SECONDS

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The family, with its value where that is known."""
        family = GaugeMetricFamily(self._name, self._documentation)
        if self._fresh_until is not None and self._clock() < self._fresh_until:
            family.add_metric((), self._value)
        yield family

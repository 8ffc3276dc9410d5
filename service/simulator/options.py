"""What a user can set of the stand-in: values only, checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from service.domain.image import ImageFormat
from service.simulator.api_habits import ApiHabits
from service.simulator.faults import check_faults

DAY = 24 * 60 * 60.0
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions(ApiHabits):
    """Times in seconds, sizes in bytes, rates from 0 to 1; raises ValueError for values that make no sense."""

    host: str = "127.0.0.1"
    port: int = 8443  # 0: any free one
    seed: int | None = None  # None: another one every time, so that ids are new
    api_key: str | None = None  # None: any key that is not empty
    link_lifetime: float = DAY  # counted from the task's `created`
    link_origin: str = "https://localhost:{port}"  # what result links begin with
    generation_seconds: tuple[float, float] = (1.0, 3.0)
    failure_rate: float = 0.0
    cancel_rate: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    formats: tuple[ImageFormat, ...] = tuple(ImageFormat)
    allow_http_callbacks: bool = False
    callback_ca_file: Path | None = None  # trusted beside the system's and the stand-in's own
    callback_retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # waits after each failure (provider's callback page)
    callback_timeout: float = 10.0
    late_seconds: float = 5.0  # about how long a `late` callback waits
    slow_seconds: float = 3.0  # how long a `slow` image takes
    ca_out: Path | None = None  # where to write the CA's certificate
    cert_out: Path | None = None  # one more certificate of the same names, for the service under test
    key_out: Path | None = None
    cert: Path | None = None  # a certificate of its own for the stand-in, in place of a throwaway one
    key: Path | None = None
    extra_names: tuple[str, ...] = ()  # more names or addresses for the certificates
    max_tasks: int = 100_000  # beyond, the oldest finished ones are forgotten
    image_cache_bytes: int = 512 * MEBIBYTE  # on disk; images dropped from it are made again when asked for

    @property
    def habits(self) -> ApiHabits:
        """Those that the task API begins with."""
        return ApiHabits(**{field.name: getattr(self, field.name) for field in fields(ApiHabits)})

    def __post_init__(self) -> None:
        ApiHabits.__post_init__(self)  # super() does not find a class that slots have replaced
        check_faults(self.faults)
        low, high = self.generation_seconds
        waits = (*self.callback_retries, self.late_seconds, self.slow_seconds, low)
        checks = {
            "failure_rate and cancel_rate: each from 0 to 1, together at most 1": self.failure_rate >= 0
            and self.cancel_rate >= 0
            and self.failure_rate + self.cancel_rate <= 1,
            "generation_seconds: the least is not above the most": low <= high,
            "times: not negative": all(wait >= 0 for wait in waits),
            "link_lifetime and callback_timeout: above 0": self.link_lifetime > 0 and self.callback_timeout > 0,
            "formats: at least one": bool(self.formats),
            "max_tasks and image_cache_bytes: above 0": self.max_tasks > 0 and self.image_cache_bytes > 0,
            "cert_out and key_out: both or none": (self.cert_out is None) == (self.key_out is None),
            "cert and key: both or none": (self.cert is None) == (self.key is None),
            "api_key: not empty": self.api_key != "",
        }
        for rule, kept in checks.items():
            if not kept:
                raise ValueError(rule)

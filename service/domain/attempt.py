"""What one attempt to fetch a link came to. Expected failures of the outside are values here, not exceptions."""

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why an attempt did not bring an image; a closed set, used as a metric label."""

    REFUSED_HOST = "refused_host"  # the host is not on the allowed list
    REFUSED_ADDRESS = "refused_address"  # not a public address, not https, or not an allowed port
    TOO_LARGE = "too_large"  # over the cap on bytes or pixels
    LINK_GONE = "link_gone"  # 403, 404 or 410: expired, or not there yet
    HTTP_STATUS = "http_status"  # any other answer than 200, an unasked 206 included
    UNREACHABLE = "unreachable"  # name, connection, TLS, time
    TRUNCATED = "truncated"  # shorter than announced, or cut inside its structure
    NOT_AN_IMAGE = "not_an_image"  # HTML, JSON, an unknown format, a header that lies


FINAL = frozenset({Failure.REFUSED_HOST, Failure.REFUSED_ADDRESS, Failure.TOO_LARGE})
"""Failures that another attempt cannot mend."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed attempt: `detail` is one short sentence for people, without the full link."""

    failure: Failure
    detail: str
    retry_after: float | None = None  # seconds the host asked us to wait

"""Why nothing can be made of an image: a closed set."""

from enum import StrEnum


class Unusable(StrEnum):
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"  # too many pixels or bytes, or more memory than a process may take
    TOO_SLOW = "too_slow"
    CRASHED = "crashed"  # its reader took the process down

"""The exception tree, named by what the caller can do. It must not know HTTP: `web.problems` maps it.

DarkroomError
├── SettingsError      the operator changes a setting
├── Refused            the caller changes the request; `code` is stable
│   ├── Invalid        something in it is wrong
│   ├── NotFound       the thing named does not exist
│   ├── TooLarge       there is too much of it
│   ├── Gone           it existed and was deleted on purpose
│   ├── Forbidden      somebody else may
│   └── Conflict       not in the state that the thing is in now
└── Unavailable        the caller tries again later, unchanged
    ├── CatalogUnavailable
    └── StorageUnavailable
"""


class DarkroomError(Exception):
    """Base of every error that this program raises on purpose."""


class SettingsError(DarkroomError):
    """A setting is wrong or missing; the message names the variable and what it takes."""


class Refused(DarkroomError):  # noqa: N818 - named by what the caller can do
    """The request cannot be served as it is; `code` is stable for machines, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Invalid(Refused):
    """Something in the request is wrong."""


class NotFound(Refused):
    """The thing named does not exist."""


class TooLarge(Refused):
    """There is more of it than is taken."""


class Gone(Refused):
    """The thing named existed and was deleted on purpose."""


class Forbidden(Refused):
    """Whoever asks may not have it; others may."""


class Conflict(Refused):
    """The request does not fit the state that the thing is in."""


class Unavailable(DarkroomError):  # noqa: N818 - named by what the caller can do
    """Nothing is wrong with the request; it can be repeated after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CatalogUnavailable(Unavailable):
    """The database did not commit: locked, full, gone or too slow."""


class StorageUnavailable(Unavailable):
    """The object store did not take or give bytes: full, read-only, gone or too slow."""

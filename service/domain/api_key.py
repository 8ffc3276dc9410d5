"""Keys of the API: what they may do, what they are called, when they end. Pure; times and secrets are passed in."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PREFIX = "darkroom_"
"""What a key begins with that was made here, so that scanners of code and logs know it for one."""

SECRET_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # noqa: S105 - no secret
SECRET_LENGTH = 43
"""Characters after the prefix: 256 bits."""

LONGEST_NAME = 100
FROM_SETTING = "setting_"
"""What the id of a key begins with that stands in DARKROOM_API_KEYS."""

_MADE_HERE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{SECRET_LENGTH}}}|dk_[0-9A-Za-z_-]{{43}}")


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_INCLUDES = {
    Scope.READ: {Scope.READ},
    Scope.WRITE: {Scope.READ, Scope.WRITE},
    Scope.ADMIN: {Scope.READ, Scope.WRITE, Scope.ADMIN},
}


class Denial(StrEnum):
    """Why a request is not let in. Callers are told of the last two only: the others look the same to them."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LIMITED = "limited"  # too many of its address have failed
    UNCERTAIN = "uncertain"  # it may be a key that cannot be looked up just now


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is known by its SHA-256 (hex), what it may do, and when it ends or has ended."""

    id: str
    name: str
    sha256: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        return covers(self.scopes, scope)

    def denial(self, now: datetime) -> Denial | None:
        """Why it opens nothing at that time; None while it does."""
        if self.revoked_at is not None:
            return Denial.REVOKED
        return Denial.EXPIRED if self.expires_at is not None and self.expires_at <= now else None

    @property
    def from_setting(self) -> bool:
        return self.id.startswith(FROM_SETTING)


def covers(held: Collection[Scope], asked: Scope) -> bool:
    """Whether who has these scopes may do what takes that one."""
    return any(asked in _INCLUDES[one] for one in held)


def digest(secret: str) -> str:
    """What is kept of a key: SHA-256 in hex, which is enough for what nobody can guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_made_here(secret: str) -> bool:
    """Whether it looks like a key that this program made, and so has 256 bits that nobody guesses."""
    return _MADE_HERE.fullmatch(secret) is not None


def is_key_name(name: str) -> bool:
    """Whether a key may be called that; names in parentheses are of those that have no key."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip() and not name.startswith("(")


def setting_id(name: str) -> str:
    """The id of a key of the setting, the same at every start."""
    return FROM_SETTING + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]

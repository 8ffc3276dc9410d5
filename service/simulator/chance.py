"""Chance that can be repeated: every draw follows from the seed and the name of what it decides, never from order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws for one seed; the parts name the decision, so different decisions are independent."""

    seed: int

    def digest(self, *parts: str | int) -> bytes:
        return hashlib.sha256(repr((self.seed, *parts)).encode("utf-8", "backslashreplace")).digest()

    def number(self, below: int, *parts: str | int) -> int:
        """A whole number from 0 to `below` - 1."""
        return int.from_bytes(self.digest(*parts)[:12]) % below

    def fraction(self, *parts: str | int) -> float:
        """A number from 0 up to, but not including, 1."""
        return self.number(2**53, *parts) / 2**53

    def between(self, low: float, high: float, *parts: str | int) -> float:
        return low + (high - low) * self.fraction(*parts)

    def choice(self, options: Sequence[_T], *parts: str | int) -> _T:
        return options[self.number(len(options), *parts)]

    def hexadecimal(self, length: int, *parts: str | int) -> str:
        """At most 64 characters."""
        return self.digest(*parts).hex()[:length]

    def letters(self, length: int, *parts: str | int) -> str:
        """Lower-case letters and digits, at most 32 of them."""
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self.digest(*parts)[:length])

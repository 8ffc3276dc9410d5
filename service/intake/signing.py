"""Signed text for URLs: HMAC-SHA256, secrets that rotate. What is signed is the business of others.

Text is made by itsdangerous. It is read here, without its way through many layers, as that is done for each callback:
a test holds the two against each other.
"""

import binascii
import hashlib
import hmac
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from itsdangerous import URLSafeSerializer

_LARGEST = 64 * 1024
"""Bytes of what was packed before it was signed; our own is as short as a URL."""


class Signer:
    """Signs with the first secret, verifies with all of them. `salt` keeps one kind of text from passing as another."""

    def __init__(self, signing_secrets: Sequence[str], *, salt: str, longest: int) -> None:
        if not signing_secrets or not all(signing_secrets):
            raise ValueError("a signing secret is needed")
        self._longest = longest
        self._serializer = URLSafeSerializer(
            list(reversed(signing_secrets)),  # itsdangerous signs with the last
            salt=salt,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        maker = self._serializer.make_signer(salt)
        self._keys = [maker.derive_key(secret) for secret in maker.secret_keys]

    def sign(self, value: Any) -> str:
        return self._serializer.dumps(value)

    def read(self, text: str) -> Any:
        """What was signed, or None; compares in constant time, and takes a signature in one spelling only."""
        if not text.isascii() or len(text) > self._longest:
            return None
        payload, dot, signature = text.encode().rpartition(b".")
        if not dot or not self._is_ours(payload, signature):
            return None
        try:
            return json.loads(_unpacked(payload).decode())
        except (ValueError, zlib.error, RecursionError):  # ours are always right: another program has our secret
            return None

    def _is_ours(self, payload: bytes, signature: bytes) -> bool:
        """Whether one of our keys made the signature; all are tried, so that the time does not tell which."""
        found = False
        for key in self._keys:
            made = urlsafe_b64encode(hmac.digest(key, payload, "sha256")).rstrip(b"=")
            found |= hmac.compare_digest(made, signature)
        return found


def _unpacked(payload: bytes) -> bytes:
    """The bytes of a payload, which itsdangerous packs where that makes it shorter: it begins with a dot then."""
    packed = payload.startswith(b".")
    encoded = payload[1:] if packed else payload
    data = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    if not packed:
        return data
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(data, _LARGEST)
    if unpacking.unconsumed_tail:
        raise binascii.Error("it is packed, and too long")
    return unpacked

"""Which bucket: its kind, its name, and what all keys in it begin with. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import unquote, urlsplit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}[A-Za-z0-9]")


class Scheme(StrEnum):
    """Kinds of object storage, as URLs name them."""

    S3 = "s3"
    GS = "gs"
    AZ = "az"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects are: a bucket (for `az` a container), and a prefix without slashes around it."""

    scheme: Scheme
    name: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme.value}://{self.name}{f'/{self.prefix}' if self.prefix else ''}"

    @classmethod
    def of_url(cls, url: str) -> Self | None:
        """What a URL names; None where its scheme is none of ours. Raises ValueError with the reason."""
        parts = urlsplit(url)
        if parts.scheme not in list(Scheme):
            return None
        prefix = unquote(parts.path).strip("/")
        if not _NAME.fullmatch(parts.netloc):
            raise ValueError("it names no bucket")
        wrong = prefix and any(not one or one.startswith(".") for one in prefix.split("/"))
        if wrong or parts.query or parts.fragment or not prefix.isprintable():
            raise ValueError("it has more than a bucket and a prefix")
        return cls(Scheme(parts.scheme), parts.netloc, prefix)

"""What money is counted by: all of it, a key, a model, a tag with its value. Pure.

A subject is a text, the same for everybody who means the same, and short enough to be a key of any database.
"""

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum

ALL = "all"

MOST_TAGS = 32
"""Tags of one task that are counted, the first by name: no request of ours may carry more."""

LONGEST = 400
"""Bytes of a subject that stands for itself. A longer one is cut there and ends in a hash of the whole, so that it is
longer than this and never another one's."""

_HASH_LENGTH = 32


class Kind(StrEnum):
    """What subjects begin with, but for the one that is all."""

    KEY = "key"
    MODEL = "model"
    TAG = "tag"

    @property
    def prefix(self) -> str:
        return f"{self.value}:"


def of_key(name: str) -> str:
    return _bounded(Kind.KEY.prefix + name)


def of_model(name: str) -> str:
    return _bounded(Kind.MODEL.prefix + name)


def of_tag(name_and_value: str) -> str:
    """The subject of `name=value`. Where a name has an equals sign in it, two tags may be one subject."""
    return _bounded(Kind.TAG.prefix + name_and_value)


def subjects_of(*, key_name: str | None, model: str | None, tags: Mapping[str, str]) -> tuple[str, ...]:
    """All that a task or a submission counts for, each once, in order; `key_name` is of the one that asked us."""
    return tuple(sorted(set(_subjects(key_name, model, tags))))


def _subjects(key_name: str | None, model: str | None, tags: Mapping[str, str]) -> Iterator[str]:
    yield ALL
    if key_name is not None:
        yield of_key(key_name)
    if model is not None:
        yield of_model(model)
    for name in sorted(tags)[:MOST_TAGS]:
        yield of_tag(f"{name}={tags[name]}")


def _bounded(subject: str) -> str:
    """The subject as every database takes it: no NUL, no lone surrogate, no more than so many bytes."""
    whole = subject.replace("\x00", "\ufffd").encode("utf-8", "replace")
    if len(whole) <= LONGEST:
        return whole.decode()
    return f"{whole[:LONGEST].decode(errors='ignore')}…{hashlib.sha256(whole).hexdigest()[:_HASH_LENGTH]}"

"""Walks the files below a folder in the order of their keys. Blocking; it holds the names of one folder per level."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.storage import Entry, checked_key

_NOT_OURS = "lost+found"


def walk(root: Path, prefix: str, above: str = "") -> Iterator[Entry]:
    """The regular files whose keys begin with `prefix`; links, names that are no keys, and what vanishes are not."""
    for key, found in _sorted(root, above):
        if key.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from walk(root, prefix, key)
        elif key.startswith(prefix):
            with suppress(FileNotFoundError):
                yield Entry(key, found.stat(follow_symlinks=False).st_size)


def _sorted(root: Path, above: str) -> list[tuple[str, "os.DirEntry[str]"]]:
    """What a folder holds by key; a folder's key ends in a slash, so that it sorts as the keys in it do."""
    try:
        with os.scandir(root / above) as entries:
            found = [
                (f"{above}{entry.name}/" if is_folder else f"{above}{entry.name}", entry)
                for entry in entries
                if (is_folder := entry.is_dir(follow_symlinks=False)) or entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        if not above:
            raise
        return []
    return sorted(((key, entry) for key, entry in found if _is_key(key)), key=lambda one: one[0])


def _is_key(key: str) -> bool:
    if key == f"{_NOT_OURS}/":
        return False
    try:
        checked_key(key.removesuffix("/"))
    except ValueError:
        return False
    return True

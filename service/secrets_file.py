"""Secrets that nobody configured: generated once into the data directory, readable by their owner only.

Who may have secrets generated is decided by `bootstrap`; this module only keeps files.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from service.errors import SettingsError


@dataclass(frozen=True, slots=True)
class GeneratedSecret:
    """A secret from a file; `new` when it was made just now."""

    text: str
    path: Path
    new: bool


def read_or_generate(path: Path, *, prefix: str = "") -> GeneratedSecret:
    """The secret in a file, made on first use. Of several processes at once one wins and the others read its file."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return GeneratedSecret(_read(path), path, new=False)
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        written = _write(path, prefix + secrets.token_urlsafe(32))
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}): make DARKROOM_DATA_DIR writable") from error
    return GeneratedSecret(_read(path), path, new=written)


def _read(path: Path) -> str:
    try:
        text = path.read_text("ascii").strip()
    except (PermissionError, IsADirectoryError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: give it to the user that runs this service") from error
    if not text:
        raise SettingsError(f"{path} is empty: remove it to have a new secret made")
    return text


def _write(path: Path, text: str) -> bool:
    """Write a whole file durably under its name, unless there is one already."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(staged, path)  # fails where the name is taken: it is never written twice
    except FileExistsError:
        return False
    finally:
        staged.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True

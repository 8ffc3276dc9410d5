"""Reads the settings; a wrong value becomes one line that names the variable and what it takes, never a secret."""

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError as UnreadableSettings

from service.errors import SettingsError
from service.settings.groups import ApiKeySetting
from service.settings.model import NESTS, PREFIX, Settings
from service.settings.retention import RetentionRuleSetting
from service.settings.submission import BudgetSetting, EndpointSetting
from service.settings.table import Described, described

ENV_FILE = Path(".env")

_LONGEST_SHOWN = 100
_FOLLOWS = "default_factory_not_called"
"""The type of errors that only follow from another one."""

_MEMBERS = {
    name for one in (ApiKeySetting, BudgetSetting, EndpointSetting, RetentionRuleSetting) for name in one.model_fields
}

_FROM_KUBERNETES = re.compile(r"DARKROOM(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")


def load_settings(*, env_file: Path | None = ENV_FILE, **overrides: Any) -> Settings:
    """Settings from overrides, environment and `.env`, the first that has one deciding; raises SettingsError.

    `overrides` go by field name, groups as dicts: `load_settings(server={"port": 0})`.
    """
    try:
        given = _given(env_file)
        wrong, odd = _unknown(given)
        settings = Settings(_env_file=env_file, _env_file_encoding="utf-8", **overrides)  # type: ignore[call-arg]
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{env_file}: cannot be read ({error})") from None
    except UnreadableSettings:
        raise SettingsError("the environment cannot be read as settings") from None
    except ValidationError as error:
        raise SettingsError("\n".join(_one_each([*wrong, *_lines(error)]))) from None
    if wrong:
        raise SettingsError("\n".join(wrong))
    settings._unknown = tuple(odd)
    return settings


def _given(env_file: Path | None) -> dict[str, str]:
    """Variables with our prefix as the environment and the file have them, by upper-case name."""
    from_file = dotenv_values(env_file, encoding="utf-8") if env_file is not None and env_file.is_file() else {}
    merged = {**from_file, **os.environ}
    return {name.upper(): value or "" for name, value in merged.items() if name.upper().startswith(PREFIX)}


def _unknown(given: dict[str, str]) -> tuple[list[str], list[str]]:
    """Lines about names that are no setting: those that cannot be anything else, and those that may be."""
    known = [one.variable for one in described().values()]
    wrong: list[str] = []
    odd: list[str] = []
    for name, value in sorted(given.items()):
        if name in known or _is_from_kubernetes(name, value):
            continue
        if any(one.startswith(f"{name}{NESTS}") for one in known):
            wrong.append(f"{name}: no such setting; its parts are set one by one, as {name}{NESTS}…")
        else:
            line = f"{name}: no such setting{_did_you_mean(name, known)}"
            (wrong if NESTS in name.removeprefix(PREFIX) else odd).append(line)
    return wrong, odd


def _is_from_kubernetes(name: str, value: str) -> bool:
    """Whether it is what Kubernetes tells every pod about a Service called darkroom or darkroom-something."""
    if NESTS in name or _FROM_KUBERNETES.fullmatch(name) is None:
        return False
    return name != f"{PREFIX}PORT" or "://" in value


def _did_you_mean(name: str, known: Collection[str]) -> str:
    by_last = [one for one in known if one.rsplit(NESTS)[-1] == name.removeprefix(PREFIX).rsplit(NESTS)[-1]]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8) or by_last
    return f"; did you mean {close[0]}?" if len(close) == 1 else ""


def _lines(error: ValidationError) -> list[str]:
    known = described()
    return [_line(one, known) for one in error.errors(include_url=False) if one["type"] != _FOLLOWS]


def _line(error: ErrorDetails, known: Mapping[tuple[str, ...], Described]) -> str:
    place = tuple(str(part) for part in error["loc"])
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" and "ctx" in error else ""
    end = next((end for end in (1, 2) if place[:end] in known), None)
    if end is None:
        name = f"{PREFIX}{NESTS.join(place).upper()}"
        if error["type"] == "extra_forbidden":
            return f"{name}: no such setting{_did_you_mean(name, [one.variable for one in known.values()])}"
        return reason or f"{name}: {error['msg']}"  # a rule about several settings names them itself
    found, inner = known[place[:end]], _inner(error, end)
    if found.secret or inner:  # the value as a whole is a secret, or long
        words = reason or (error["msg"] if inner else "")
        where = f" ({': '.join([*inner, words])})" if words else ""
        return f"{found.variable}: takes {found.takes}{where}"
    return f"{found.variable}: takes {found.takes}, got {_shown(error['input'])}{f' ({reason})' if reason else ''}"


def _inner(error: ErrorDetails, begin: int) -> list[str]:
    """Where in a setting's list of objects the error lies: their numbers, and names that we know; never their text."""
    return [str(part) for part in error["loc"][begin:] if isinstance(part, int) or part in _MEMBERS]


def _shown(value: Any) -> str:
    text = re.sub(r"://[^/@]*@", "://***@", str(value))
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def _one_each(lines: Iterable[str]) -> list[str]:
    """The first line about each variable: the others say no more."""
    return list({line.partition(":")[0]: line for line in reversed(list(lines))}.values())[::-1]

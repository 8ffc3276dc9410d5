"""The names of all settings with their defaults and purposes, for the README and for finding misspelt names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.settings.groups import Group
from service.settings.model import NESTS, PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Described:
    """A setting as its declaration describes it; `shown` is the default for people to read."""

    variable: str
    shown: str
    description: str
    takes: str
    secret: bool


def described() -> Mapping[tuple[str, ...], Described]:
    """Every setting by its place in the model, those without a group first."""
    found = dict(_walk(Settings, ()))
    return dict(sorted(found.items(), key=lambda one: len(one[0])))


def settings_table() -> list[tuple[str, str, str]]:
    """Name, default and description of every setting."""
    return [(one.variable, one.shown, one.description) for one in described().values()]


def _walk(model: type[BaseModel], outer: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Described]]:
    for name, field in model.model_fields.items():
        place = (*outer, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            yield from _walk(field.annotation, place)
        else:
            yield place, _described(place, field)


def _described(place: tuple[str, ...], field: FieldInfo) -> Described:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), f"{place} is declared without setting()"
    words: dict[str, Any] = dict(extra)
    return Described(
        variable=PREFIX + NESTS.join(place).upper(),
        shown=words["shown"],
        description=field.description or "",
        takes=words["takes"],
        secret=words["secret"],
    )

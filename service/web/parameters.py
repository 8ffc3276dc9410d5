"""What a query string may say: one declaration of each parameter, by which it is read, refused and described.

Unknown parameters are refused by name, so that no typo changes what is meant.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from starlette.requests import Request

from service.domain.moment import moment
from service.errors import Invalid

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Takes(Protocol):
    """A kind of value: how it is read from text, and its JSON schema."""

    def read(self, text: str) -> Any:
        """The value; raises ValueError that says, after the parameter's name, what it takes."""

    @property
    def schema(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, up to so many characters; `form` is the name of a form that its users know."""

    longest: int | None = None
    form: str | None = None

    def read(self, text: str) -> str:
        if self.longest is not None and len(text) > self.longest:
            raise ValueError(f"takes at most {self.longest} characters")
        return text

    @property
    def schema(self) -> Mapping[str, Any]:
        said = {"maxLength": self.longest, "format": self.form}
        return {"type": "string", **{name: value for name, value in said.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(f"takes one of {', '.join(self.words)}")
        return text

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "enum": [str(word) for word in self.words]}


class YesNo:
    """`true` or `false`."""

    schema: Mapping[str, Any] = {"type": "boolean"}

    def read(self, text: str) -> bool:
        return OneOf(("true", "false")).read(text) == "true"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, in decimal digits."""

    least: int
    most: int
    of: str = ""

    def read(self, text: str) -> int:
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(self.most)) + 1
        if not plain or not self.least <= int(text) <= self.most:
            raise ValueError(f"takes a whole number{self.of} from {self.least} to {self.most}")
        return int(text)

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Moment:
    """A time with its offset (RFC 3339)."""

    schema: Mapping[str, Any] = {"type": "string", "format": "date-time"}

    def read(self, text: str) -> Any:
        return moment(text)


class Day:
    """A day."""

    schema: Mapping[str, Any] = {"type": "string", "format": "date"}

    def read(self, text: str) -> date:
        try:
            if not _DAY.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError("takes a day such as 2026-05-31") from None


@dataclass(frozen=True, slots=True)
class Like:
    """Text of a form."""

    pattern: str
    says: str
    convert: Callable[[str], Any] = str

    def read(self, text: str) -> Any:
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            raise ValueError(f"takes {self.says}")
        return self.convert(text)

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: what it `says` to people, what it `takes`, and how it is refused.

    It may be given `times` times; more than once makes its value a tuple. `usual` is what its absence means, as JSON.
    """

    name: str
    says: str
    takes: Takes = field(default_factory=Text)
    code: str = "invalid_parameter"
    times: int = 1
    usual: Any = None
    example: Any = None
    required: bool = False

    def read(self, request: Request) -> Any:
        """Its value, None where it is not given; raises Invalid that names it."""
        texts = request.query_params.getlist(self.name)
        if not texts:
            return None
        if self.times == 1 and len(texts) > 1:
            raise Invalid("repeated_parameter", f"{self.name} was given more than once")
        if len(texts) > self.times:
            raise Invalid(self.code, f"{self.name} may be given {self.times} times")
        try:
            values = tuple(self.takes.read(text) for text in texts)
        except ValueError as error:
            raise Invalid(self.code, f"{self.name} {error}") from None
        return values if self.times > 1 else values[0]


def read_parameters(request: Request, allowed: Collection[Parameter], *, of: str) -> Mapping[str, Any]:
    """The values of those that are given, by name; `of` says whose they are. Raises Invalid that names a wrong one."""
    known = {one.name: one for one in allowed}
    for name in request.query_params:
        if name not in known:
            takes = ", ".join(sorted(known))
            raise Invalid("unknown_parameter", f"{name[:80]!r} is not a parameter of {of}; it takes {takes}")
    for one in allowed:
        if one.required and one.name not in request.query_params:
            raise Invalid(one.code, f"{one.name} has to be given: {one.says[0].lower()}{one.says[1:]}")
    return {name: known[name].read(request) for name in request.query_params}

"""What all answers are made of: documents whose members are described, times, and pages of lists."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

T = TypeVar("T")

described = with_config(ConfigDict(use_attribute_docstrings=True))
"""Marks a document: the sentence below a member describes it."""

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339, in UTC, to the millisecond."""

Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
"""A day in UTC."""

Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
Count = Annotated[int, Field(ge=0)]
Usd = Annotated[float, Field(description="US dollars.")]
Sha256 = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]

Json = Annotated[Any, WithJsonSchema({})]
JsonObject = Annotated[Any, WithJsonSchema({"type": "object"})]
"""Kept as it came from elsewhere: whatever JSON it is."""

Tags = Annotated[dict[str, str], Field(description="Labels of yours, by name.")]


@described
class PageDocument(TypedDict, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class ProblemDocument(TypedDict):
    """An error (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: Annotated[str, Field(description="Stable, for machines.")]
    detail: Annotated[str, Field(description="For people.")]

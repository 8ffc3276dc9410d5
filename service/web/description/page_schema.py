"""JSON schemas for people: what a member takes in a few words, and tables of members. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from service.web.description.schemas import PREFIX
from service.web.html import Html, joined, prose, tag

Schema = Mapping[str, Any]

_BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("maxProperties", "at most {} members"),
    ("default", "usually {}"),
)


def kind(schema: Schema) -> Html:
    """What values are of: a name that leads to its shape, or a type in words."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        return tag("a", name, href=f"#shape-{name}")
    if "const" in schema:
        return tag("code", json.dumps(schema["const"]))
    if "enum" in schema:
        return _with(" | ", (tag("code", str(one)) for one in schema["enum"]))
    for several, word in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if several in schema:
            return _with(word, (kind(one) for one in schema[several]))
    return _typed(schema)


def _typed(schema: Schema) -> Html:
    types = schema.get("type", "any")
    names = [types] if isinstance(types, str) else list(types)
    words: list[str] = []
    for name in names:
        if name == "array":
            words.append(joined(["list of ", kind(schema.get("items", {}))]))
        elif name == "object" and isinstance(schema.get("additionalProperties"), dict):
            words.append(joined(["map of ", kind(schema["additionalProperties"])]))
        else:
            words.append({"any": "any JSON", "object": "object"}.get(name, schema.get("format") or name))
        if name == "null":
            words[-1] = "null"
    return _with(" or ", words)


def bounds(schema: Schema) -> Html:
    """Limits and defaults, in words; an example says more than a pattern."""
    said: list[str] = [
        words.format(_shown(schema[name])) for name, words in _BOUNDS if schema.get(name) not in (None, [], {})
    ]
    examples = schema.get("examples", ())
    if examples:
        said.append(joined(["such as ", _with(", ", (tag("code", _plain(one)) for one in examples))]))
    elif "pattern" in schema:
        said.append(joined(["like ", tag("code", schema["pattern"])]))
    return _with(", ", said)


def members(schema: Schema, *, asked: bool = False) -> Html:
    """The members of an object, one a row; those that have to be there are marked where it is `asked` for."""
    required = schema.get("required", ())
    return rows(
        (name, _mark(name in required, asked=asked), one, one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    )


def rows(named: Iterable[tuple[str, str, Schema, str]]) -> Html:
    """A table of names, each with a mark, what it takes, and what it is for."""
    return tag("dl", *(_row(*one) for one in named), class_="members")


def _mark(required: bool, *, asked: bool) -> str:
    """What is unusual: that something has to be asked with, or that an answer may lack it."""
    return ("required" if required else "") if asked else ("" if required else "may be left out")


def _row(name: str, mark: str, schema: Schema, says: str) -> Html:
    limits = bounds(schema)
    must = tag("span", mark, class_="must") if mark else ""
    return joined(
        [
            tag("dt", tag("code", name), " ", tag("span", kind(schema), class_="kind"), " ", must),
            tag("dd", prose(says), " ", tag("span", limits, class_="bounds") if limits else ""),
        ]
    )


def shape(name: str, schema: Schema) -> Html:
    """A schema that others refer to."""
    body = members(schema) if "properties" in schema else tag("p", kind(schema))
    says = tag("p", prose(schema["description"])) if schema.get("description") else ""
    return tag("details", tag("summary", tag("code", name)), says, body, class_="shape", id=f"shape-{name}")


def block(value: Any, label: str) -> Html:
    """An example as JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return tag("figure", tag("figcaption", label), tag("pre", tag("code", text), tabindex="0"))


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _with(between: str, parts: Iterable[str]) -> Html:
    said: list[str] = []
    for part in parts:
        said += [between, part] if said else [part]
    return joined(said)

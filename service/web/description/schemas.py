"""JSON schemas of types, of what is answered and of what is read. Pure; by pydantic, in its dialect, 2020-12."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

PREFIX = "#/components/schemas/"

_PAGE = re.compile(r"Page_(\w+?)_")


class _Plain(GenerateJsonSchema):
    """Without titles that only repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False


def schemas_of(types: Iterable[Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each type, which may be a reference, and all schemas that are referred to, by name."""
    mode: JsonSchemaMode = "validation"  # documents look the same either way
    wanted = list(dict.fromkeys(types))
    bases = {base for one in wanted for base in _bases(one)}
    inputs = [(one, mode, TypeAdapter(one)) for one in dict.fromkeys([*wanted, *sorted(bases, key=str)])]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template=PREFIX + "{model}", schema_generator=_Plain)
    names = {name: _name(name) for name in rest.get("$defs", {})}
    definitions = {names[name]: _tidied(schema, names) for name, schema in rest.get("$defs", {}).items()}
    for schema in definitions.values():
        schema.pop("title", None)
    schemas = {one: _tidied(schema, names) for (one, _), schema in found.items()}
    for one in wanted:
        for base in _bases(one):
            _inherit(definitions[_of(schemas[one])], definitions[_of(schemas[base])])
    alone = {_of(schemas[base]) for base in bases - set(wanted)} - _named([*definitions.values()])
    return schemas, {name: schema for name, schema in sorted(definitions.items()) if name not in alone}


def _bases(one: Any) -> Iterator[Any]:
    """The documents that a document extends, all the way down."""
    for base in getattr(one, "__orig_bases__", ()):
        if hasattr(base, "__required_keys__"):
            yield base
            yield from _bases(base)


def _of(schema: Mapping[str, Any]) -> str:
    """The name that a reference leads to."""
    return str(schema["$ref"]).removeprefix(PREFIX)


def _inherit(schema: dict[str, Any], base: Mapping[str, Any]) -> None:
    """Describe members as the document does that they come from: pydantic reads sentences of a class's own alone."""
    for name, member in base.get("properties", {}).items():
        if "description" in member:
            schema["properties"][name].setdefault("description", member["description"])


def _named(value: Any) -> set[str]:
    """All names that references in it lead to."""
    if isinstance(value, list):
        return {name for one in value for name in _named(one)}
    if not isinstance(value, dict):
        return set()
    own = {_of(value)} if "$ref" in value else set()
    return own | {name for member in value.values() for name in _named(member)}


def _name(definition: str) -> str:
    """`TaskDocument` is a Task, `PageDocument_TaskDocument_` a TaskPage; of two alike each has its module's name."""
    *module, name = definition.replace("Document", "").split("__")
    plain = _PAGE.sub(r"\1Page", name)
    return f"{module[-1].title()}{plain}" if module else plain


def _tidied(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with its references renamed, and what may be null said in one line."""
    if isinstance(schema, list):
        return [_tidied(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {name: _tidied(value, names) for name, value in schema.items()}
    if "$ref" in tidy:
        name = tidy["$ref"].removeprefix(PREFIX)
        tidy["$ref"] = PREFIX + names.get(name, name)
    match tidy.get("anyOf"):
        case [{"type": str(kind), **more}, {"type": "null"}] if "enum" not in more and "const" not in more:
            del tidy["anyOf"]
            tidy = {**more, **tidy, "type": [kind, "null"]}
    return tidy

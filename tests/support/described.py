"""The description as tests use it: what is wrong with an answer, when nothing may be in it that is not described."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from service.web.description.document import openapi
from service.web.description.everything import OPERATIONS
from service.web.description.examples import EXAMPLES
from service.web.description.operation import Operation

OF_OTHERS = {"ProviderTask", "Problem"}
"""Schemas that leave room for more: what the provider answers, and what is narrowed where it is used."""


def operation(name: str) -> Operation:
    """The operation of this id."""
    [found] = [one for one in OPERATIONS if one.id == name]
    return found


@cache
def document() -> dict[str, Any]:
    return openapi(OPERATIONS, version="1", public_url="https://darkroom.example.com", examples=EXAMPLES)


def described_answer(name: str, status: int) -> dict[str, Any]:
    """What the document says of an operation's answer; references are followed."""
    one = operation(name)
    found: dict[str, Any] = document()["paths"][one.path][one.method.lower()]["responses"][str(status)]
    if "$ref" in found:
        found = document()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def faults_of_answer(name: str, status: int, body: Any) -> list[str]:
    """What the description does not say of such an answer's JSON."""
    [content] = described_answer(name, status)["content"].values()
    return faults(content["schema"], body)


def faults(schema: Mapping[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator({**schema, "components": {"schemas": _closed()}})
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


@cache
def _closed() -> dict[str, Any]:
    schemas: dict[str, Any] = document()["components"]["schemas"]
    return {
        name: {**schema, "additionalProperties": False} if "properties" in schema and name not in OF_OTHERS else schema
        for name, schema in schemas.items()
    }

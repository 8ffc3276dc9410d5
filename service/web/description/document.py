"""The OpenAPI 3.1 document: a pure function of the operations. It must not know how routes are served."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from service.domain.api_key import Scope
from service.provider.error_document import ProviderErrorDocument
from service.web.answers.document import ProblemDocument
from service.web.description.codes import CODES
from service.web.description.operation import JSON, PROBLEM, Answer, Body, Header, Operation, Tag
from service.web.description.schemas import PREFIX, schemas_of
from service.web.description.webhooks import SIGNED, WEBHOOKS, webhook_object
from service.web.description.words import ABOUT, KEY_ABOUT
from service.web.parameters import Parameter

SECURITY = "key"

_RETRY = Header("Retry-After", "Seconds to wait.")
_OF_STATUS: Mapping[int, tuple[Header, ...]] = {
    401: (Header("WWW-Authenticate", "`Bearer`."),),
    429: (_RETRY,),
    503: (_RETRY,),
}
_SCOPED: Mapping[Scope | None, str] = {
    None: "Needs no key.",
    Scope.READ: "Needs a key with the scope `read`.",
    Scope.WRITE: "Needs a key with the scope `write`.",
    Scope.ADMIN: "Needs a key with the scope `admin`.",
}

Examples = Mapping[tuple[str, int], Any]
"""JSON of an answer, by the operation's id and the status."""


def openapi(operations: Sequence[Operation], *, version: str, public_url: str, examples: Examples) -> dict[str, Any]:
    """The document, as JSON; `public_url` is where the service is reached."""
    shapes = [answer.shape for one in operations for answer in one.answers if answer.shape is not None]
    bodies = [one.body.model for one in operations if one.body is not None and one.body.model is not None]
    told = [one.shape for one in WEBHOOKS]
    shown = examples.get(("get_event", 200), {}).get("body")
    found, definitions = schemas_of([*shapes, *bodies, *told, ProblemDocument, ProviderErrorDocument])
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, found, examples)
    alone = {(status, codes[0], one.provider) for one in operations for status, codes in _alone(one)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Darkroom", "version": version, "summary": "Keeps expiring AI images.", "description": ABOUT},
        "servers": [{"url": public_url}],
        "tags": [{"name": tag.value[0], "description": tag.value[1]} for tag in Tag],
        "paths": paths,
        "webhooks": {
            one.kind.value: webhook_object(one, found, [_parameter(each, "header") for each in SIGNED], shown)
            for one in WEBHOOKS
        },
        "components": {
            "schemas": definitions,
            "responses": {
                _name(code, provider): _error(status, [code], provider) for status, code, provider in sorted(alone)
            },
            "securitySchemes": {SECURITY: {"type": "http", "scheme": "bearer", "description": KEY_ABOUT}},
        },
    }


def _operation(one: Operation, schemas: Mapping[Any, Any], examples: Examples) -> dict[str, Any]:
    answers = {str(each.status): _answer(one, each, schemas, examples) for each in one.answers}
    errors = {str(status): _error(status, codes, one.provider) for status, codes in one.refusals.items()}
    errors |= {
        str(status): {"$ref": f"#/components/responses/{_name(codes[0], one.provider)}"}
        for status, codes in _alone(one)
    }
    if one.passes_on:
        errors["4XX"] = {"description": one.passes_on, "content": {JSON: {"schema": {}}}}
    parameters = [
        *(_parameter(Parameter(name, says), "path") for name, says in one.where.items()),
        *(_parameter(each, "query") for each in one.query),
        *(_parameter(each, "header") for each in one.headers),
    ]
    return {
        "operationId": one.id,
        "tags": [one.tag.value[0]],
        "summary": one.summary,
        "description": " ".join(filter(None, (one.says, _SCOPED[one.scope]))),
        "security": [{SECURITY: [one.scope.value]}] if one.scope is not None else [],
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(one.body, schemas)} if one.body is not None else {}),
        "responses": dict(sorted((answers | errors).items())),
    }


def _parameter(one: Parameter, place: str) -> dict[str, Any]:
    schema = dict(one.takes.schema)
    if one.times > 1:
        schema = {"type": "array", "items": schema, "maxItems": one.times}
    if one.usual is not None:
        schema["default"] = one.usual
    return {
        "name": one.name,
        "in": place,
        "description": one.says,
        "required": one.required or place == "path",
        "schema": schema,
        **({"example": one.example} if one.example is not None else {}),
    }


def _body(body: Body, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": body.schema if body.schema is not None else schemas[body.model]}
    if body.example is not None:
        content["example"] = body.example
    return {"required": body.required, "content": {JSON: content}}


def _answer(one: Operation, answer: Answer, schemas: Mapping[Any, Any], examples: Examples) -> dict[str, Any]:
    content: dict[str, Any] = {media: {} for media in answer.media}
    if answer.shape is not None:
        content = {JSON: {"schema": schemas[answer.shape]}}
        if (one.id, answer.status) in examples:
            content[JSON]["example"] = examples[one.id, answer.status]
    follow = {to.operation: {"operationId": to.operation, "parameters": dict(to.where)} for to in answer.follow}
    return {
        "description": answer.says,
        **({"headers": _headers(answer.headers)} if answer.headers else {}),
        **({"content": content} if content else {}),
        **({"links": follow} if follow else {}),
    }


def _alone(one: Operation) -> list[tuple[int, list[str]]]:
    """Errors with one code, which look the same in many operations."""
    return [(status, codes) for status, codes in one.refusals.items() if len(codes) == 1]


def _name(code: str, provider: bool) -> str:
    return f"{'Provider' if provider else ''}{code.title().replace('_', '')}"


def _error(status: int, codes: Sequence[str], provider: bool) -> dict[str, Any]:
    always = not provider or status == 401  # the provider's own refusals may come without
    headers = _headers(replace(one, always=always) for one in _OF_STATUS.get(status, ()))
    said = "; ".join(f"`{code}`: {CODES[code]}" for code in codes)
    return {
        "description": f"{HTTPStatus(status).phrase}. {said}.",
        **({"headers": headers} if headers else {}),
        "content": {JSON if provider else PROBLEM: _error_content(status, codes, provider)},
    }


def _error_content(status: int, codes: Sequence[str], provider: bool) -> dict[str, Any]:
    if provider:
        return {"schema": {"$ref": f"{PREFIX}ProviderError"}}
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": codes[0],
        "detail": CODES[codes[0]],
    }
    return {"schema": {"allOf": [{"$ref": f"{PREFIX}Problem"}, narrowed]}, "example": example}


def _headers(headers: Iterable[Header]) -> dict[str, Any]:
    return {
        one.name: {"description": one.says, "required": one.always, "schema": {"type": "string"}} for one in headers
    }

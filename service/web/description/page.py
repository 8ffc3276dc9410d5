"""The OpenAPI document as a page for people: HTML without scripts of its own, styles or anything from elsewhere. Pure.

What it needs besides is `static/docs.css`, and for trying reads `static/docs.js`; without that it can still be read.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from service.web.description.page_schema import block, bounds, kind, members, rows, shape
from service.web.html import Html, joined, paragraphs, prose, tag

Json = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")


def page_of(document: Json) -> str:
    """The whole page; paths in it are relative, so that it also works below a prefix."""
    groups = [(one["name"], one["description"], _operations(document, one["name"])) for one in document["tags"]]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{document['info']['title']}: the API"),
        tag("link", rel="icon", href="data:,"),
        tag("link", rel="stylesheet", href="static/docs.css"),
        tag("script", src="static/docs.js", defer=True),
    )
    body = tag(
        "body",
        tag("a", "Skip to the operations", href="#operations", class_="skip"),
        _top(document),
        tag("div", _contents(groups), _main(document, groups), class_="columns"),
    )
    return f"<!doctype html>{tag('html', head, body, lang='en')}"


def _operations(document: Json, group: str) -> list[tuple[str, str, Json]]:
    """Method, path and operation of a group."""
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and group in item[method]["tags"]
    ]


def _top(document: Json) -> Html:
    info = document["info"]
    key = tag(
        "form",
        tag("label", "API key, to try reads with", for_="key"),
        tag("input", id="key", type="password", autocomplete="off", spellcheck="false", placeholder="darkroom_…"),
        tag("small", "It stays in this page, and is forgotten with it."),
        class_="key needs-script",
    )
    return tag(
        "header",
        tag(
            "div",
            tag("h1", info["title"], " ", tag("small", info["version"])),
            tag("p", prose(info["summary"]), " ", tag("a", "openapi.json", href="openapi.json")),
        ),
        key,
    )


def _contents(groups: list[tuple[str, str, list[tuple[str, str, Json]]]]) -> Html:
    search = tag(
        "input",
        id="find",
        type="search",
        placeholder="Find an operation",
        aria_label="Find an operation",
        class_="needs-script",
    )
    lists = [
        joined(
            [
                tag("h2", tag("a", name, href=f"#{_anchor(name)}")),
                tag(
                    "ul",
                    *(
                        tag("li", tag("a", _badge(method), " ", one["summary"], href=f"#{one['operationId']}"))
                        for method, _, one in found
                    ),
                ),
            ]
        )
        for name, _, found in groups
    ]
    told = tag("h2", tag("a", "Webhooks", href="#webhooks"))
    shapes = tag("h2", tag("a", "Shapes", href="#shapes"))
    return tag(
        "nav",
        tag("details", tag("summary", "Contents"), search, *lists, told, shapes, open=True),
        aria_label="Contents",
    )


def _main(document: Json, groups: list[tuple[str, str, list[tuple[str, str, Json]]]]) -> Html:
    server = document["servers"][0]["url"]
    about = tag(
        "section",
        paragraphs(document["info"]["description"]),
        *(paragraphs(one["description"]) for one in document["components"]["securitySchemes"].values()),
        class_="about",
    )
    sections = [
        tag(
            "section",
            tag("h2", name),
            tag("p", prose(says)),
            *(_operation(document, method, path, one, server) for method, path, one in found),
            id=_anchor(name),
        )
        for name, says, found in groups
    ]
    told = [_webhook(document, name, item["post"]) for name, item in document["webhooks"].items()]
    shapes = [shape(name, schema) for name, schema in document["components"]["schemas"].items()]
    return tag(
        "main",
        about,
        tag("div", *sections, id="operations"),
        tag("section", tag("h2", "Webhooks"), *told, id="webhooks"),
        tag("section", tag("h2", "Shapes"), *shapes, id="shapes"),
    )


def _operation(document: Json, method: str, path: str, one: Json, server: str) -> Html:
    scope = one["security"][0]["key"][0] if one["security"] else "open"
    summary = tag(
        "summary",
        _badge(method),
        " ",
        tag("code", path, class_="path"),
        " ",
        tag("span", one["summary"], class_="what"),
        " ",
        tag("span", scope, class_=f"scope {scope}", title="the scope that a key needs"),
    )
    return tag(
        "details",
        summary,
        tag("p", prose(one["description"])),
        _parameters(one),
        _body(document, one),
        tag("h4", "Answers"),
        *(_answer(document, status, answer) for status, answer in one["responses"].items()),
        _curl(method, path, one, server),
        _try(path, one) if method == "get" else "",
        class_="operation",
        id=one["operationId"],
    )


def _webhook(document: Json, name: str, one: Json) -> Html:
    """What is sent to an endpoint of the reader's."""
    summary = tag("summary", _badge("post"), " ", tag("code", name, class_="path"), " ", one["summary"], class_="told")
    return tag(
        "details", summary, tag("p", prose(one["description"])), _parameters(one), _body(document, one), class_="shape"
    )


def _parameters(one: Json) -> Html:
    places = {"path": "In the path", "query": "In the query", "header": "Headers"}
    found: list[str] = []
    for place, title in places.items():
        those = [each for each in one.get("parameters", ()) if each["in"] == place]
        if those:
            table = rows(
                (each["name"], "required" if each["required"] else "", _with_example(each), each["description"])
                for each in those
            )
            found += [tag("h4", title), table]
    return joined(found)


def _with_example(parameter: Json) -> Json:
    """The schema of a parameter with its example, but where the values are listed anyway."""
    schema: Json = parameter["schema"]
    told = "example" in parameter and "enum" not in schema and schema.get("type") != "integer"
    return {**schema, "examples": [parameter["example"]]} if told else schema


def _body(document: Json, one: Json) -> Html:
    if "requestBody" not in one:
        return Html("")
    content = one["requestBody"]["content"]["application/json"]
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed = "" if one["requestBody"]["required"] else tag("span", "may be left out", class_="bounds")
    example = block(content["example"], "Example") if "example" in content else ""
    said = members(schema, asked=True) if "properties" in schema else tag("p", kind(schema), ", ", bounds(schema))
    return joined([tag("h4", "Body ", needed), said, example])


def _answer(document: Json, status: str, answer: Json) -> Html:
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    parts: list[str] = []
    for media, content in answer.get("content", {}).items():
        what = joined([": ", kind(content["schema"])]) if "schema" in content else ""
        parts.append(tag("p", tag("code", media), what))
        if "example" in content:
            parts.append(block(content["example"], "Example"))
    headers = answer.get("headers", {}).items()
    named = rows(
        (name, "" if header["required"] else "not always", header["schema"], header["description"])
        for name, header in headers
    )
    level = f"status s{status[0]}"
    summary = tag("summary", tag("span", status, class_=level), " ", prose(answer["description"]))
    return tag("details", summary, named if headers else "", *parts, class_="answer")


def _curl(method: str, path: str, one: Json, server: str) -> Html:
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    words.append(shlex.quote(f"{server}{path}"))
    lines = [" ".join(words)]
    if one["security"]:
        lines.append('-H "Authorization: Bearer $KEY"')
    example = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if example is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}"]
    text = " \\\n  ".join(lines)
    return tag("figure", tag("figcaption", "On the command line"), tag("pre", tag("code", text), tabindex="0"))


def _try(path: str, one: Json) -> Html:
    fields = [
        _field(f"{one['operationId']}-{each['name']}", each)
        for each in one.get("parameters", ())
        if each["in"] in ("path", "query")
    ]
    return tag(
        "form",
        tag("h4", "Try it"),
        tag("div", *fields, class_="fields"),
        tag("button", "Send", type="submit"),
        tag("output", aria_live="polite"),
        class_="try needs-script",
        data_path=path,
    )


def _field(name: str, parameter: Json) -> Html:
    schema = parameter["schema"]
    words = schema.get("enum") or (["true", "false"] if schema.get("type") == "boolean" else None)
    said = {"id": name, "name": parameter["name"], "data_in": parameter["in"]}
    if words is not None:
        control = tag("select", tag("option", "", value=""), *(tag("option", str(word)) for word in words), **said)
    else:
        control = tag("input", type="text", required=parameter["required"], autocomplete="off", **said)
    return tag("p", tag("label", parameter["name"], for_=name), control)


def _badge(method: str) -> Html:
    return tag("span", method.upper(), class_=f"method {method}")


def _anchor(name: str) -> str:
    return f"about-{name.lower()}"

"""values.schema.json, asked about keys: which ones it knows, of what type they are, where it takes no others. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]

_COMBINED = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class ValuesSchema:
    """The whole schema; a place in it is a path of keys."""

    root: Node

    @classmethod
    def of_text(cls, text: str) -> "ValuesSchema":
        return cls(json.loads(text))

    def at(self, path: tuple[str, ...]) -> tuple[Node, ...]:
        """Every part of the schema that declares this key; none for a key that it does not know."""
        nodes = (*self._parts(self.root),)
        for name in path:
            nodes = tuple(
                part
                for node in nodes
                if name in node.get("properties", {})
                for part in self._parts(node["properties"][name])
            )
        return nodes

    def is_closed(self, path: tuple[str, ...]) -> bool:
        """Whether keys that are not declared there are refused."""
        return any(node.get("additionalProperties") is False for node in self.at(path))

    def declared(self, path: tuple[str, ...]) -> set[str]:
        return {name for node in self.at(path) for name in node.get("properties", {})}

    def type_of(self, path: tuple[str, ...]) -> str:
        """The type for people: `integer`, `string or list`, or the words that are taken."""
        words: list[str] = []
        for node in self.at(path):
            if "enum" in node:
                words += [f"`{one}`" if one != "" else "empty" for one in node["enum"]]
            elif "const" in node:
                words.append(f"`{node['const']}`")
            else:
                told = node.get("type", [])
                words += [told] if isinstance(told, str) else told
        words = ["list" if one == "array" else "map" if one == "object" else one for one in dict.fromkeys(words)]
        return " or ".join(one for one in words if one != "null")

    def _parts(self, node: Node) -> Iterator[Node]:
        """A node and what it is combined from, references followed; conditions (`if`) are left out."""
        if "$ref" in node:
            target: Any = self.root
            for name in node["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            yield from self._parts(target)
        yield node
        for combined in _COMBINED:
            for one in node.get(combined, []):
                yield from self._parts(one)

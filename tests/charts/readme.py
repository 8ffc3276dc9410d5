"""Renews the tables in the chart's README: every value, from the comments in values.yaml and the types in its schema.

`make chart-readme` (`python -m tests.charts.readme`) writes them between two marks; a test says when they are stale.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.charts.helm import CHART
from tests.charts.schema import ValuesSchema
from tests.charts.values_file import Key, read, rows

README = CHART / "README.md"
BEGIN, END = "<!-- values -->", "<!-- /values -->"

SECTIONS: Mapping[str, str] = {
    "shape": "Shape and image",
    "nameOverride": "Names and labels",
    "maintenance": "Maintenance",
    "settings": "Settings of the program",
    "single": "The pod of the shape single",
    "receiver": "Receivers",
    "archiver": "Archivers",
    "reconciler": "Reconcilers",
    "api": "API",
    "persistence": "Volume",
    "migrations": "Migrations",
    "service": "Services",
    "ingress": "Ingress",
    "gateway": "Gateway API",
    "networkPolicy": "Network policies",
    "serviceAccount": "Service accounts",
    "podSecurityContext": "All pods",
    "monitoring": "Monitoring",
    "standIn": "Stand-in provider",
    "tests": "Helm test",
    "extraObjects": "More objects",
}
"""Sections by the key of the first level that begins them; each reaches to the next one."""


def renewed(text: str, values: str, schema: str) -> str:
    """The README with tables of these values between its marks; raises ValueError where they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has lost its marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables(read(values), ValuesSchema.of_text(schema))}\n\n{END}{after}"


def tables(keys: tuple[Key, ...], schema: ValuesSchema) -> str:
    """A section for each part of the values, with what leads into it and a row for every key."""
    return "\n\n".join("\n\n".join(_section(title, part, schema)) for title, part in _sections(keys).items())


def _sections(keys: tuple[Key, ...]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    title = SECTIONS["shape"]
    for key in keys:
        title = SECTIONS.get(key.name, title)
        found.setdefault(title, []).append(key)
    return found


def _section(title: str, keys: list[Key], schema: ValuesSchema) -> Iterator[str]:
    yield f"### {title}"
    for one in (one for key in keys for one in key.walk() if one.below):
        if said := one.lead or one.description:
            yield said if SECTIONS.get(one.name) == title else f"`{one.name}`: {said}"
    head = ["| key | type | default | what it is for |", "|---|---|---|---|"]
    yield "\n".join([*head, *(_row(key, schema) for key in rows(tuple(keys)))])


def _row(key: Key, schema: ValuesSchema) -> str:
    cells = (f"`{key.name}`", schema.type_of(key.path), f"`{_default(key.default)}`", key.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: Any) -> str:
    """A default as it would be written in one line."""
    if isinstance(value, dict | list):
        flow: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
        return flow.strip()
    return json.dumps(value, ensure_ascii=False)


def renewed_readme() -> str:
    """The README as it has to be."""
    names = (README, CHART / "values.yaml", CHART / "values.schema.json")
    return renewed(*(path.read_text("utf-8") for path in names))


if __name__ == "__main__":
    README.write_text(renewed_readme(), encoding="utf-8")

"""values.yaml says what every key is for, its schema knows every key and no other, and the README shows them all."""

import re
from collections.abc import Iterator

import jsonschema
import pytest

from service.settings import settings_table
from tests.charts.helm import CHART, ci_files, values_of
from tests.charts.readme import END, README, SECTIONS, renewed, renewed_readme
from tests.charts.schema import ValuesSchema
from tests.charts.values_file import Key, key_name, read, rows, undescribed

VALUES = (CHART / "values.yaml").read_text("utf-8")
SCHEMA = (CHART / "values.schema.json").read_text("utf-8")
KEYS = read(VALUES)
KNOWN = ValuesSchema.of_text(SCHEMA)


def settings_block() -> str:
    """The part of values.yaml that is about settings."""
    block = re.search(r"^settings:\n(.*?)^\S", VALUES, re.DOTALL | re.MULTILINE)
    assert block is not None, "values.yaml has no block `settings`"
    return block[1]


def told_settings() -> list[str]:
    """The variables that the block tells of, in its order: with a key, or with what decides them."""
    return re.findall(r"^ *# (?:-- \(`)?(DARKROOM_[A-Z_]+)(?:`\) |: )\S", settings_block(), re.MULTILINE)


def keys_of_settings() -> Iterator[Key]:
    settings = next(key for key in KEYS if key.name == "settings")
    return rows(settings.below)


def test_settings_stand_in_the_order_of_the_program_and_none_is_missing_or_unknown() -> None:
    assert told_settings() == [name for name, _, _ in settings_table()]


def test_every_setting_has_its_key_under_its_own_name() -> None:
    for key in keys_of_settings():
        variable = re.match(r"\(`(\w+)`\) ", key.description)
        assert variable is not None, f"line {key.line}: {key.name} does not name its variable"
        assert key.name == key_name(variable[1]), f"line {key.line}"


def test_every_key_says_what_it_is_for() -> None:
    assert undescribed(KEYS) == []


def test_what_keys_say_are_sentences() -> None:
    for key in rows(KEYS):
        assert key.description.endswith("."), f"line {key.line}: {key.name}: {key.description!r} ends without a stop"


def test_the_schema_knows_every_key() -> None:
    unknown = [key.name for first in KEYS for key in first.walk() if not KNOWN.at(key.path)]
    assert unknown == []


def test_the_schema_says_of_what_type_every_key_is() -> None:
    assert [key.name for key in rows(KEYS) if not KNOWN.type_of(key.path)] == []


def test_the_schema_refuses_unknown_keys_wherever_the_keys_are_the_charts_own() -> None:
    taken_apart = [(), *(key.path for first in KEYS for key in first.walk() if key.below)]
    assert [".".join(path) for path in taken_apart if not KNOWN.is_closed(path)] == []


def test_the_schema_knows_no_key_that_values_do_not_have() -> None:
    have: dict[tuple[str, ...], set[str]] = {(): {key.path[-1] for key in KEYS}}
    have |= {key.path: {one.path[-1] for one in key.below} for first in KEYS for key in first.walk() if key.below}
    unknown = {path: KNOWN.declared(path) - names - {"global"} for path, names in have.items()}
    assert {".".join(path): names for path, names in unknown.items() if names} == {}


def test_the_readme_shows_the_values_as_they_are() -> None:
    if README.read_text("utf-8") != renewed_readme():
        pytest.fail("charts/darkroom/README.md is not what values.yaml says: run `make chart-readme`", pytrace=False)


def test_every_section_of_the_readme_begins_at_a_key() -> None:
    assert set(SECTIONS) <= {key.name for key in KEYS}


def test_a_value_that_changes_changes_the_readme() -> None:
    text = README.read_text("utf-8")
    assert renewed(text, VALUES.replace("\nshape: single", "\nshape: scaled"), SCHEMA) != text


def test_a_readme_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="has lost its marks"):
        renewed(README.read_text("utf-8").replace(END, ""), VALUES, SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(KNOWN.root)


@pytest.mark.parametrize("file", [None, *ci_files()])
def test_the_schema_takes_the_defaults_and_every_way_to_install(file: str | None) -> None:
    values = values_of(*([file] if file else []))
    found = jsonschema.Draft7Validator(KNOWN.root).iter_errors(values)
    assert [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found] == []

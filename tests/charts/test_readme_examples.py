"""What the chart's README tells people to write is what helm takes, and what it promises comes out of it."""

import re

import pytest
import yaml

from tests.charts.helm import render
from tests.charts.manifests import Rendered
from tests.charts.readme import README
from tests.charts.references import references
from tests.charts.values_file import key_name

TEXT = README.read_text("utf-8")
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
SECRET_KEYS = set(re.findall(r"--from-literal=([a-z-]+)=", TEXT))


def example(number: int) -> Rendered:
    return render(values=EXAMPLES[number], release="darkroom")


def test_there_is_an_example_for_each_shape() -> None:
    assert [one.get("shape", "single") for one in EXAMPLES] == ["single", "scaled"]


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_renders_and_asks_for_the_secrets_that_it_shows(number: int) -> None:
    rendered = example(number)
    mine = [one for one in references(rendered) if one.kind == "Secret" and rendered.named("Secret", one.name) is None]
    asked = {one.key for one in mine if one.name == "darkroom-secrets" and one.key}
    assert asked <= SECRET_KEYS
    assert "evolink-api-key" in asked


@pytest.mark.long
def test_the_larger_example_uses_every_secret_that_it_shows() -> None:
    assert {one.key for one in references(example(1)) if one.kind == "Secret"} >= SECRET_KEYS


def test_every_setting_that_the_readme_names_is_one() -> None:
    prose = TEXT.partition("<!-- values -->")[0]
    table = TEXT.partition("<!-- values -->")[2]
    named = set(re.findall(r"`([a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)+)`", prose)) - {"values.yaml", "darkroom.yaml"}
    assert named
    assert [one for one in named if f"| `{one}` |" not in table and f"| `{one}." not in table] == []
    assert key_name("DARKROOM_EVOLINK__API_KEY") in named

"""Price lists that operators bring become a file that every pod of the service reads, and the program understands."""

import json
from importlib import resources
from pathlib import Path

import pytest

from service.submission.price_list import load_prices
from tests.charts.helm import render, set_at
from tests.charts.manifests import ROLES, Rendered

pytestmark = pytest.mark.long

SINGLE, SCALED = "default-values.yaml", "scaled-values.yaml"
FULL = "scaled-full-values.yaml"


def price_file(rendered: Rendered, component: str) -> str | None:
    """What the program finds where it is told that its price lists are; None where they come from elsewhere."""
    mine = rendered.workload(component)
    config = rendered.named("ConfigMap", "pictures-darkroom")
    assert config is not None
    path = config["data"]["DARKROOM_COST__PRICES"]
    (mount,) = [one for one in mine.main["volumeMounts"] if one["mountPath"] == path.rpartition("/")[0]]
    (volume,) = [one for one in mine.pod["volumes"] if one["name"] == mount["name"]]
    found = rendered.named("ConfigMap", volume["configMap"]["name"])
    return found["data"][path.rpartition("/")[2]] if found is not None else None


@pytest.mark.parametrize("file", [SINGLE, SCALED])
@pytest.mark.parametrize("as_text", [True, False])
def test_price_lists_are_a_file_that_the_program_can_read(file: str, as_text: bool, tmp_path: Path) -> None:
    built_in = (resources.files("service.submission") / "prices" / "evolink.json").read_text("utf-8")
    rendered = render(file, values=set_at("priceLists.value", built_in if as_text else json.loads(built_in)))
    for workload in rendered.services:
        text = price_file(rendered, workload.component)
        assert text is not None
        (tmp_path / "prices.json").write_text(text, "utf-8")
        assert load_prices(tmp_path / "prices.json") == load_prices()


def test_price_lists_that_exist_are_mounted_and_none_are_made() -> None:
    rendered = render(SCALED, values={"priceLists": {"existingConfigMap": "mine", "key": "of-ours.json"}})
    assert [price_file(rendered, one) for one in ROLES] == [None] * 4
    assert rendered.named("ConfigMap", "pictures-darkroom-prices") is None


def test_without_price_lists_the_built_in_ones_count() -> None:
    rendered = render(SCALED)
    assert rendered.named("ConfigMap", "pictures-darkroom-prices") is None
    assert all("prices" not in [one["name"] for one in mine.pod["volumes"]] for mine in rendered.services)


def test_a_list_that_is_written_in_yaml_is_the_same_to_the_program(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text(price_file(render(FULL), "api") or "", "utf-8")
    lists = load_prices(tmp_path / "prices.json").lists
    assert [one.since.isoformat() for one in lists] == ["2026-01-01", "2027-01-01"]
    assert [str(one.credits_per_dollar) for one in lists] == ["68", "70"]

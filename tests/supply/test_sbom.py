"""The bill of materials: complete, valid, the same whenever it is made."""

import json
import re
from typing import Any

import pytest

pytestmark = pytest.mark.long  # what makes it is not installed for `make test`

PROJECT = {"name": "darkroom", "version": "0.1.0"}


@pytest.fixture(scope="module")
def lock() -> str:
    from tests.supply.sbom import ROOT

    return (ROOT / "requirements.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def text(lock: str) -> str:
    from tests.supply.sbom import bill

    return bill(lock, PROJECT)


@pytest.fixture(scope="module")
def packages(text: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(text)["components"]}


def test_it_is_valid_by_the_standards_own_schema(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_every_package_of_the_lock_is_in_it_with_its_hashes_and_its_licence(
    lock: str, packages: dict[str, dict[str, Any]]
) -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE)
    assert [(name, one["version"]) for name, one in packages.items()] == sorted(pinned)
    told = {one["content"] for package in packages.values() for one in package["externalReferences"][0]["hashes"]}
    assert told == set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert [name for name, one in packages.items() if not one.get("licenses")] == []


def test_what_only_another_platform_installs_is_left_out() -> None:
    from tests.supply.sbom import locked

    lock = 'a==1 ; sys_platform == "win32" \\\n    --hash=sha256:' + "0" * 64
    lock += '\nb==2 ; python_full_version >= "3.13" \\\n    --hash=sha256:' + "1" * 64 + "\n"
    assert [(one.name, one.version, one.hashes) for one in locked(lock)] == [("b", "2", ("1" * 64,))]


def test_made_again_it_is_the_same(lock: str, text: str) -> None:
    from tests.supply.sbom import bill

    assert bill(lock, PROJECT) == text
    assert json.loads(bill(lock + "\n", PROJECT))["serialNumber"] != json.loads(text)["serialNumber"]


def test_what_wheels_bundle_is_named_where_they_tell_and_marked_where_they_do_not(
    packages: dict[str, dict[str, Any]],
) -> None:
    assert "object_store" in {one["name"] for one in packages["obstore"]["components"]}
    (mark,) = packages["pyvips-binary"]["properties"]
    assert re.fullmatch(r"libvips\S+, with libraries of which the wheel does not tell", mark["value"])
    assert "properties" not in packages["starlette"]

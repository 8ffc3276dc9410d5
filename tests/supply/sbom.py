"""`make sbom`: what the image ships from requirements.lock, as CycloneDX JSON; the same input makes the same bytes.

Versions and hashes come from the lock, licences and what wheels bundle from the packages that are installed. A wheel
that does not tell what it bundles is marked, as nobody shall take silence for nothing.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "darkroom-sbom.cdx.json"

IMAGE = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "platform_system": "Linux"}
"""Where the image differs from the Python that makes the list: see the Dockerfile."""

_ENTRY = re.compile(
    r"^(?P<requirement>[A-Za-z0-9][^\\\n]*)(?P<hashes>(?:\\\n\s+--hash=sha256:[0-9a-f]{64} ?)*)", re.MULTILINE
)
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_LONGEST_WORD = 80  # some have the whole text of their licence there
_UNTOLD = re.compile(r"\.libs/[^/]+\.so")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package as the lock has it, with the hashes of all its files that may be installed."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> PackageURL:
        return PackageURL("pypi", name=self.name, version=self.version)


def locked(text: str) -> list[Locked]:
    """The packages that a lock installs in the image."""
    found = []
    for entry in _ENTRY.finditer(text):
        requirement = Requirement(entry["requirement"].strip())
        if requirement.marker is None or requirement.marker.evaluate(IMAGE):
            (version,) = requirement.specifier
            found.append(Locked(requirement.name, version.version, tuple(sorted(_HASH.findall(entry["hashes"])))))
    return sorted(found, key=lambda one: one.name)


def bill(lock: str, project: dict[str, Any]) -> str:
    """The document as JSON."""
    packages = [_component(one) for one in locked(lock)]
    root = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref="darkroom"
    )
    bom = Bom(components=packages)
    bom.metadata.component = root
    bom.register_dependency(root, packages)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, lock)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]  # the only thing in it that the lock does not decide
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _component(package: Locked) -> Component:
    """A package; its hashes are those of its files, any of which may have been installed."""
    installed = _installed(package)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(package.purl.to_string()),
        comment="one of the files that the lock takes",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in package.hashes],
    )
    bundled = list(_bundled(package, installed)) if installed is not None else []
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=package.purl,
        bom_ref=package.purl.to_string(),
        licenses=[LicenseFactory().make_from_string(said) for said in _licences(installed)],
        external_references=[files],
        components=bundled,
        properties=[Property(name="darkroom:bundles", value=said) for said in _untold(installed, bundled)],
    )


def _installed(package: Locked) -> metadata.Distribution | None:
    """The very version; what is not installed where this runs has its name, version and hashes only."""
    try:
        found = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        return None
    return found if found.version == package.version else None


def _licences(installed: metadata.Distribution | None) -> list[str]:
    """As the package tells: an expression, or else its own word, or else its classifiers."""
    if installed is None:
        return []
    told = installed.metadata
    for word in (told[name] for name in ("License-Expression", "License") if name in told):
        if 0 < len(word) < _LONGEST_WORD:
            return [word]
    classifiers = [one for one in told.get_all("Classifier") or [] if one.startswith("License :: ")]
    return sorted(one.rpartition(" :: ")[2] for one in classifiers)


def _bundled(package: Locked, installed: metadata.Distribution) -> Iterator[Component]:
    """What a wheel tells of what is built into it (PEP 770)."""
    found: dict[str, dict[str, Any]] = {}
    for path in installed.files or []:
        if ".dist-info/sboms/" in path.as_posix() and path.suffix == ".json":
            told = json.loads(path.read_text("utf-8"))
            found |= {one["purl"].partition("?")[0]: one for one in told.get("components", []) if one.get("purl")}
    for purl, one in sorted(found.items()):
        yield Component(
            name=one["name"],
            version=one.get("version"),
            type=ComponentType.LIBRARY,
            purl=PackageURL.from_string(purl),
            bom_ref=f"{package.purl.to_string()}#{purl}",
        )


def _untold(installed: metadata.Distribution | None, bundled: list[Component]) -> list[str]:
    """Shared libraries of others in a wheel that does not say what is in them."""
    libraries = [
        path.name for path in (installed.files if installed else None) or [] if _UNTOLD.search(path.as_posix())
    ]
    return [f"{name}, with libraries of which the wheel does not tell" for name in sorted(libraries) if not bundled]


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = bill((ROOT / "requirements.lock").read_text("utf-8"), project)
    OUTPUT.write_text(text, "utf-8")
    print(f"{OUTPUT.name}: {len(json.loads(text)['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Programs that tests need and that no wheel brings: where they are missing, the test says what to install."""

import os
import shutil
from collections.abc import Mapping

import pytest

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def program(name: str) -> str:
    """Where a program is; its bare name where it is missing."""
    return shutil.which(name, path=_PATH) or name


def require(request: pytest.FixtureRequest, packages: Mapping[str, str]) -> None:
    """Skip the test where one of these programs is missing; fail it where nothing may be skipped.

    `packages` are the programs, and what installs each of them.
    """
    missing = sorted({package for name, package in packages.items() if shutil.which(name, path=_PATH) is None})
    if not missing:
        return
    told = f"not installed: {' '.join(missing)} (.ci/run installs what the tests need)"
    if request.config.getoption("--nothing-skipped"):
        pytest.fail(told, pytrace=False)
    pytest.skip(told)

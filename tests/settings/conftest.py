"""An environment without settings of the machine that runs the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import Settings, load_settings

Load = Callable[..., Settings]
Refusal = Callable[..., list[str]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """`load(SERVER__PORT="1")` reads settings from just these variables, names without the prefix, and no file."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("DARKROOM_"):
            monkeypatch.delenv(name)

    def loaded(**variables: str) -> Settings:
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(f"DARKROOM_{name}", value)
            return load_settings()

    return loaded


@pytest.fixture
def refusal(load: Load) -> Callable[..., list[str]]:
    """The lines of the SettingsError that these variables lead to."""

    def lines(**variables: str) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            load(**variables)
        return str(caught.value).splitlines()

    return lines

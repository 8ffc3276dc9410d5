"""Which settings are told of as weak."""

from pathlib import Path
from typing import Any

import pytest

from service.bootstrap.weaknesses import Weakness, weaknesses
from tests.support.app import settings_for

ASKED = {"evolink": {"api_key": "sk-1"}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, {Weakness.CONFIRMATION_OFF, Weakness.NO_PROVIDER_KEY}),
        (ASKED, set()),
        ({**ASKED, "confirm": {"mode": "off"}}, {Weakness.CONFIRMATION_OFF}),
        ({"roles": "api", "confirm": {"mode": "required"}}, set()),  # another process has the key
        ({**ASKED, "storage": {"min_free_bytes": 0}}, {Weakness.NO_RESERVE}),
        ({**ASKED, "public_url": "http://darkroom.example.com"}, {Weakness.NOT_CALLABLE}),
        ({**ASKED, "public_url": "https://10.0.0.7"}, {Weakness.NOT_CALLABLE}),
        ({**ASKED, "download": {"allowed_hosts": ["*"]}}, {Weakness.ANY_HOST}),
        ({**ASKED, "download": {"trusted_networks": ["10.0.0.0/8"]}}, {Weakness.TRUSTED_NETWORKS}),
    ],
)
def test_what_keeps_less_than_it_could_is_named(tmp_path: Path, changed: dict[str, Any], told: set[Weakness]) -> None:
    settings = settings_for(tmp_path, **{"storage": {"min_free_bytes": 2**30}, **changed})
    assert set(weaknesses(settings)) == told

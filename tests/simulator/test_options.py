from pathlib import Path
from typing import Any

import pytest

from service.simulator.api_habits import ApiHabits
from service.simulator.options import SimulatorOptions


def test_the_defaults_are_the_documented_behaviour_of_the_provider() -> None:
    options = SimulatorOptions()
    assert options.link_lifetime == 24 * 3600
    assert options.callback_retries == (1.0, 2.0, 4.0)
    assert options.callback_timeout == 10.0
    assert not options.allow_http_callbacks
    assert options.habits == ApiHabits()


def test_habits_of_the_task_api_are_options_like_the_others() -> None:
    options = SimulatorOptions(no_batch=True, behind_seconds=2.0)
    assert options.habits == ApiHabits(no_batch=True, behind_seconds=2.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"faults": {"explode": 0.1}},
        {"faults": {"slow": 2}},
        {"failure_rate": 0.7, "cancel_rate": 0.7},
        {"failure_rate": -0.1},
        {"generation_seconds": (3.0, 1.0)},
        {"callback_retries": (-1.0,)},
        {"link_lifetime": 0},
        {"formats": ()},
        {"max_tasks": 0},
        {"api_key": ""},
        {"behind_seconds": -1},
        {"unknown_seconds": float("inf")},
        {"plain_failed": True},
        {"cert_out": Path("cert.pem")},
        {"cert": Path("cert.pem")},
        {"key": Path("key.pem")},
    ],
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        SimulatorOptions(**wrong)

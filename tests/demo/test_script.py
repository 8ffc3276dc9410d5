"""What the demonstration submits: of every kind, and the same every time."""

import json

from service.demo.script import FAULTS, wanted_tasks
from service.simulator.faults import KINDS
from service.simulator.submission import Submission, read_submission


def test_it_is_the_same_every_time_and_longer_when_asked() -> None:
    assert list(wanted_tasks(50)) == list(wanted_tasks(50))
    assert list(wanted_tasks(50))[:36] == list(wanted_tasks(36))
    assert list(wanted_tasks(0)) == []


def test_every_task_has_a_name_of_its_own() -> None:
    assert len({wanted.ref for wanted in wanted_tasks(200)}) == 200


def test_it_has_of_every_kind() -> None:
    wanted = list(wanted_tasks(36))
    prompts = [one.request["prompt"] for one in wanted]
    assert any("[fail]" in prompt for prompt in prompts)
    assert any("[cancel]" in prompt for prompt in prompts)
    assert sum("[" in prompt for prompt in prompts) < len(prompts) / 3
    assert {one.request["model"] for one in wanted} == {"gpt-image-2", "gpt-image-2-beta"}
    assert {one.request.get("n", 1) for one in wanted} == {1, 2, 3, 4}
    assert any(not prompt.isascii() for prompt in prompts)


def test_the_stand_in_takes_every_submission() -> None:
    for wanted in wanted_tasks(36):
        body = {**wanted.request, "callback_url": "https://darkroom.example.com/callbacks/evolink/x"}
        read = read_submission(json.dumps(body).encode(), allow_http_callbacks=False)
        assert isinstance(read, Submission), (wanted, read)


def test_every_fault_is_one_that_the_stand_in_can_make() -> None:
    assert set(FAULTS) <= set(KINDS)
    assert all(0 < rate < 1 for rate in FAULTS.values())

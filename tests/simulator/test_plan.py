import re
from collections import Counter

import pytest

from service.domain.image import ImageFormat
from service.simulator.chance import Chance
from service.simulator.options import SimulatorOptions
from service.simulator.plan import Plan, Status, make_plan, new_task_id
from service.simulator.prompt_words import FAILURES
from tests.simulator.making import a_submission

CHANCE = Chance(7)
TASK = "task-unified-1750000000-abcdefgh"


def plan(prompt: str = "a fox", task_id: str = TASK, **options: float) -> Plan:
    return make_plan(
        task_id,
        a_submission(prompt=prompt, n=3),
        chance=CHANCE,
        options=SimulatorOptions(seed=7, **options),  # type: ignore[arg-type]
    )


def test_ids_look_like_the_provider_s_and_differ_for_equal_submissions() -> None:
    first, occurrence = new_task_id(CHANCE, a_submission(), ())
    second, _ = new_task_id(CHANCE, a_submission(), (first,), first=occurrence)
    assert re.fullmatch(r"task-unified-[0-9]{10}-[a-z0-9]{8}", first)
    assert first != second
    assert new_task_id(CHANCE, a_submission(callback_url="https://localhost/1"), ()) == (first, 0)


def test_rates_decide_how_many_tasks_fail_or_are_cancelled() -> None:
    outcomes = Counter(
        plan(task_id=f"{TASK}{number}", failure_rate=0.2, cancel_rate=0.1).outcome for number in range(1000)
    )
    assert 150 < outcomes[Status.FAILED] < 250
    assert 60 < outcomes[Status.CANCELLED] < 140


def test_a_failure_by_rate_has_a_documented_code() -> None:
    assert plan(failure_rate=1.0).failure in FAILURES


@pytest.mark.parametrize(
    ("prompt", "outcome", "failure"),
    [
        ("a fox [fail]", Status.FAILED, "content_policy_violation"),
        ("a fox [fail:generation_timeout]", Status.FAILED, "generation_timeout"),
        ("a fox [cancel]", Status.CANCELLED, None),
    ],
)
def test_reserved_words_decide_the_outcome(prompt: str, outcome: Status, failure: str | None) -> None:
    made = plan(prompt)
    assert (made.outcome, made.failure, made.pictures) == (outcome, failure, ())


def test_a_task_can_be_completed_whatever_the_rates() -> None:
    assert plan("a fox [complete]", failure_rate=1.0).outcome is Status.COMPLETED
    assert plan("a fox [complete] [cancel]").outcome is Status.CANCELLED


def test_a_completed_task_has_as_many_pictures_as_were_asked_for_all_different() -> None:
    names = [picture.name for picture in plan().pictures]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)


def test_formats_are_drawn_from_those_allowed() -> None:
    every = {picture.format for number in range(30) for picture in plan(task_id=f"{TASK}{number}").pictures}
    assert every == set(ImageFormat)
    only = SimulatorOptions(seed=7, formats=(ImageFormat.WEBP,))
    pictures = make_plan(TASK, a_submission(n=10), chance=CHANCE, options=only).pictures
    assert {picture.format for picture in pictures} == {ImageFormat.WEBP}


def test_generation_takes_a_time_within_the_range() -> None:
    times = [plan(task_id=f"{TASK}{number}").seconds for number in range(100)]
    assert all(1.0 <= seconds <= 3.0 for seconds in times)
    assert max(times) - min(times) > 1.0


def test_pictures_have_the_size_that_was_asked_for() -> None:
    def edges(**fields: str) -> set[tuple[int, int]]:
        made = make_plan(TASK, a_submission(**fields), chance=CHANCE, options=SimulatorOptions())
        return {(picture.width, picture.height) for picture in made.pictures}

    assert edges(size="1024x640") == {(1024, 640)}
    assert edges(size="16:9", resolution="4K") == {(3840, 2160)}
    assert edges() <= {(1024, 1024), (1536, 1024), (1024, 1536)}

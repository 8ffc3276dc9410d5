import json

from service.simulator.callback_plan import CallbackPlan, plan_callbacks
from service.simulator.chance import Chance
from tests.simulator.making import a_book, a_task

CHANCE = Chance(7)
SAMPLE = 40


def plan(prompt: str, number: int = 0) -> CallbackPlan:
    """What a task with this prompt sends; the number makes another one of it."""
    return plan_callbacks(a_task(a_book(), prompt=f"{prompt} {number}"), chance=CHANCE, late_seconds=4.0)


def said(planned: CallbackPlan) -> list[str]:
    return [message.said for group in planned.groups for message in group]


def test_without_faults_the_task_object_is_sent_once_and_at_once() -> None:
    for prompt, status in (("a fox", "completed"), ("[fail]", "failed"), ("[cancel]", "cancelled")):
        planned = plan(prompt)
        ((message,),) = planned.groups
        assert (planned.delay, message.said, message.first_body) == (0.0, status, None)
        assert json.loads(message.body)["status"] == status


def test_a_lost_callback_sends_nothing_whatever_else_strikes() -> None:
    assert plan("[fault:lost][fault:duplicate]").groups == ()


def test_duplicates_are_two_or_three_equal_ones_at_once_or_in_turn() -> None:
    plans = [plan("[fault:duplicate]", number) for number in range(SAMPLE)]
    assert {len(said(one)) for one in plans} == {2, 3}
    assert {len(one.groups) == 1 for one in plans} == {True, False}
    assert all(len({message.body for group in one.groups for message in group}) == 1 for one in plans)


def test_a_reordered_callback_sends_a_stale_one_after_the_end() -> None:
    assert said(plan("[fault:reorder]")) == ["completed", "processing"]


def test_a_conflict_contradicts_before_or_after_the_true_end() -> None:
    seen = {tuple(said(plan("[fault:conflict]", number))) for number in range(SAMPLE)}
    assert seen == {
        ("completed", "failed"),
        ("completed", "cancelled"),
        ("failed", "completed"),
        ("cancelled", "completed"),
    }
    failed = {tuple(said(plan("[fault:conflict][fail]", number))) for number in range(SAMPLE)}
    assert failed == {("failed", "cancelled"), ("cancelled", "failed")}
    assert said(plan("[fault:conflict][cancel]")) == ["cancelled"]


def test_a_late_callback_waits_about_as_long_as_was_set() -> None:
    delays = [plan("[fault:late]", number).delay for number in range(SAMPLE)]
    assert all(2.0 <= delay <= 6.0 for delay in delays)
    assert max(delays) - min(delays) > 1.0


def test_a_malformed_callback_is_broken_in_its_first_attempt_only() -> None:
    ((message,),) = plan("[fault:malformed]").groups
    assert message.first_body is not None
    assert message.body.startswith(message.first_body)
    assert json.loads(message.body)["status"] == "completed"


def test_all_faults_together_keep_the_true_end_among_what_is_sent() -> None:
    faults = "".join(f"[fault:{kind}]" for kind in ("duplicate", "reorder", "conflict", "late", "malformed"))
    for number in range(SAMPLE):
        assert said(plan(faults, number)).count("completed") in (2, 3)

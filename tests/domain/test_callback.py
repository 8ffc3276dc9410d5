"""Whose word counts for a task: its first sender's, and always that of a token made for it."""

import pytest

from service.domain.callback import Verdict, judge


@pytest.mark.parametrize(
    ("owner", "minted_for", "verdict"),
    [
        (None, None, Verdict.ACCEPTED),
        ("mine", None, Verdict.ACCEPTED),
        ("theirs", None, Verdict.FOREIGN),
        (None, "task-1", Verdict.ACCEPTED),
        ("theirs", "task-1", Verdict.ACCEPTED),
        (None, "task-2", Verdict.FOREIGN),
        ("mine", "task-2", Verdict.FOREIGN),
    ],
)
def test_a_task_belongs_to_its_first_token_and_a_token_that_was_made_for_one_task_speaks_for_that_alone(
    owner: str | None, minted_for: str | None, verdict: Verdict
) -> None:
    assert judge(owner=owner, token_id="mine", minted_for=minted_for, task_id="task-1") is verdict

"""Submissions, plans and tasks made without a server, for tests of the pure parts."""

import json
from typing import Any

from service.simulator.api_habits import ApiHabits
from service.simulator.api_state import ApiSwitch
from service.simulator.book import Book
from service.simulator.chance import Chance
from service.simulator.options import SimulatorOptions
from service.simulator.submission import Submission, read_submission
from service.simulator.task_view import TaskView
from service.simulator.tasks import Task

ORIGIN = "https://files.example"
NOW = 1_760_000_000.0


def a_submission(**fields: Any) -> Submission:
    body = {"model": "gpt-image-2", "prompt": "a fox", **fields}
    submission = read_submission(json.dumps(body).encode(), allow_http_callbacks=True)
    assert isinstance(submission, Submission)
    return submission


def a_book(clock: float = NOW, **options: Any) -> Book:
    chosen = SimulatorOptions(**{"seed": 7, **options})
    return Book(chosen, chance=Chance(chosen.seed or 0), origin=ORIGIN, clock=lambda: clock)


def a_task(book: Book | None = None, **fields: Any) -> Task:
    task = (a_book() if book is None else book).add(a_submission(**fields), idempotency_key=None)
    assert isinstance(task, Task)
    return task


def an_ended_task(**fields: Any) -> Task:
    task = a_task(**fields)
    task.ended_at = NOW
    return task


def a_view(at: float = NOW, **habits: Any) -> TaskView:
    return TaskView(switch=ApiSwitch(ApiHabits(**habits)), chance=Chance(7), clock=lambda: at)

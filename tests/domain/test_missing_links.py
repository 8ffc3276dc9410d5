"""Answers that show fewer links than there must be: asked again for as long as the patience, which is theirs alone."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from service.domain.check import Next, after_end, after_missing, asked_images, lacks_links
from service.domain.task import Check, EventStatus, TaskEvent, TaskStatus
from tests.support.checked import MOMENT, NOW, PROCESSING, RULES, called_back, confirmed, task

PATIENCE = RULES.patience


def completed(*links: str) -> TaskEvent:
    return TaskEvent("task-1", EventStatus.COMPLETED, "completed", links=links)


@pytest.mark.parametrize(
    ("links", "expected", "lacking"),
    [
        ((), 0, True),
        (("https://a/1",), 0, False),
        (("https://a/1",), 2, True),
        (("https://a/1?x", "https://a/1?y"), 2, True),
        (("https://a/1", "https://a/2", "https://a/3"), 2, False),
    ],
)
def test_an_answer_lacks_links_that_a_callback_told_of(links: Sequence[str], expected: int, lacking: bool) -> None:
    assert lacks_links(task(expected_images=expected), completed(*links)) is lacking
    assert not lacks_links(task(expected_images=expected), PROCESSING)


def test_missing_links_are_asked_for_until_exactly_the_end_of_the_patience() -> None:
    assert after_end(confirmed(), lacking=False, now=NOW, rules=RULES) == Next(Check())
    lacking = confirmed(Check(NOW, NOW, 4, linkless_since=NOW))
    assert after_end(lacking, lacking=True, now=NOW + PATIENCE - MOMENT, rules=RULES).check.at == NOW + PATIENCE
    assert after_end(lacking, lacking=True, now=NOW + PATIENCE, rules=RULES) == Next(Check())


def test_the_patience_with_missing_links_counts_from_the_first_answer_without_them() -> None:
    unknown = after_missing(called_back(), now=NOW, rules=RULES).check
    ended = called_back(unknown, status=TaskStatus.COMPLETED)
    assert after_end(ended, lacking=True, now=NOW + PATIENCE, rules=RULES).check.at is not None


def test_one_time_of_not_knowing_does_not_end_the_patience_that_missing_links_began() -> None:
    lacking = after_end(called_back(), lacking=True, now=NOW, rules=RULES).check
    assert after_missing(called_back(lacking), now=NOW + PATIENCE, rules=RULES).gives_up is None


@pytest.mark.parametrize(("n", "asked"), [(1, 1), (2, 2), (16, 16), (17, 0), (0, 0), (-1, 0), (True, 0), ("2", 0)])
def test_how_many_images_were_asked_for_counts_where_it_can_be_true(n: object, asked: int) -> None:
    assert asked_images(task(parameters={"n": n, "N": 9})) == asked
    assert asked_images(task()) == 0


def test_an_answer_lacks_links_that_were_asked_for() -> None:
    assert lacks_links(task(parameters={"n": 2}), completed("https://a/1"))
    assert not lacks_links(task(parameters={"n": 2}), completed("https://a/1", "https://a/2"))


def test_a_round_that_begins_with_missing_links_remembers_since_when() -> None:
    following = after_end(called_back(Check()), lacking=True, now=NOW, rules=RULES)
    assert following == Next(Check(NOW + timedelta(seconds=2), NOW, 1, linkless_since=NOW))

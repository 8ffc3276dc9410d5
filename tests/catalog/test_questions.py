"""What is asked of a million images is all that the service asks."""

from collections.abc import Mapping
from dataclasses import fields

from service.catalog.catalog import Transaction
from tests.catalog.looks import QUESTIONS

NOT_ASKED_OF_MANY: Mapping[str, str] = {
    "restore.callbacks": "a rebuild, which looks at everything",
    "restore.order": "a rebuild, which looks at everything",
    "transfer.": "a copy, which looks at everything",
    "search.follow": "a part of tasks.save",
    "search.clear": "a part of both",
}
"""What names of methods begin with that are not looked at, and why."""


def test_every_question_is_looked_at() -> None:
    """A new method of the catalog gets its question here, or a reason why it needs none."""
    asked = {question.name.split()[0] for question in QUESTIONS}
    missing = {
        f"{subject.name}.{name}"
        for subject in fields(Transaction)
        if subject.name != "now"
        for name, method in vars(_class(subject.type)).items()
        if callable(method) and not name.startswith("_")
    } - asked
    assert {name for name in missing if not name.startswith((*NOT_ASKED_OF_MANY,))} == set()


def _class(of: object) -> type:
    assert isinstance(of, type)
    return of

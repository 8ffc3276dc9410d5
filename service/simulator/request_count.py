"""Counts what is asked of the stand-in and what its task API answers, so that a test can judge how often one asks."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Asked(StrEnum):
    """The provider's routes; `files` are the result links."""

    SUBMIT = "submit"
    READ_ONE = "read_one"
    READ_SEVERAL = "read_several"
    LIST_TASKS = "list_tasks"
    FILES = "files"

    @property
    def reads(self) -> bool:
        """Whether it is one of the task API's three ways to read."""
        return self in (Asked.READ_ONE, Asked.READ_SEVERAL, Asked.LIST_TASKS)


@dataclass(frozen=True, slots=True)
class RequestCount:
    """Requests by route, counted when they come in; statuses of reads, counted when they are answered."""

    requests: Counter[Asked] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)

    def came(self, asked: Asked) -> None:
        self.requests[asked] += 1

    def answered(self, asked: Asked, status: int) -> None:
        if asked.reads:
            self.answers[status] += 1

    def document(self) -> dict[str, dict[str, int]]:
        """`requests` with every route, `answers` with every status that was given."""
        return {
            "requests": {asked.value: self.requests[asked] for asked in Asked},
            "answers": {str(status): count for status, count in sorted(self.answers.items())},
        }

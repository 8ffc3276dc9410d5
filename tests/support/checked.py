"""Tasks of which the provider is asked, and the rules by which; pure values for tests of decisions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, EventStatus, Rank, Task, TaskEvent, TaskStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = Rules(timedelta(hours=24), ("*.evolink.ai",), ConfirmMode.PREFERRED, can_ask=True)
MOMENT = timedelta(microseconds=1)
BEGUN = Check(NOW, NOW)
PROCESSING = TaskEvent("task-1", EventStatus.PROCESSING, "processing")


def task(check: Check = BEGUN, **members: Any) -> Task:
    return Task(id="task-1", source="evolink", received_at=NOW, check=check, **members)


def called_back(check: Check = BEGUN, **members: Any) -> Task:
    return task(check, callback_rank=Rank.COMPLETED, expected_images=1, **members)


def confirmed(check: Check = BEGUN) -> Task:
    return task(check, status=TaskStatus.COMPLETED, rank=Rank.COMPLETED, confirmed=True)

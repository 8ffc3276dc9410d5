"""How much of each callback of a batch is kept, by what its token has used up: decided before anything is written.

It follows the batch in order, so that no batch is too large for its token's bounds. It must not write.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.allowance import (
    NOTHING_SPENT,
    Keep,
    Spent,
    cost_of_naming,
    cost_of_stray,
    keep_stray,
    may_add,
    may_name,
    room,
)
from service.domain.callback import Verdict, judge
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Task, TaskEvent, TaskStatus
from service.intake.callback_token import CallbackToken


@dataclass(frozen=True, slots=True)
class Admission:
    """How much of a callback is kept, what that costs its token, and whether it is the first to tell of its task."""

    keep: Keep
    cost: Spent = NOTHING_SPENT
    names: bool = False


_REFUSED = Admission(Keep.NOTHING)


def gate(
    tx: Transaction, known: Mapping[str, TaskState], spent: Mapping[str, Spent], *, size: int, rules: Rules
) -> "Gate":
    """A gate for a batch; `known` are those of its tasks that exist, `size` is what all of it would take, in bytes."""
    unproven = {task_id for task_id, state in known.items() if _may_be_unproven(state.task)}
    if not all(may_add(one + Spent(unproven=size)) for one in spent.values()):
        unproven = tx.tasks.known_by_callbacks_alone(unproven)
    return Gate(known, spent, unproven=unproven, rules=rules)


def _may_be_unproven(task: Task) -> bool:
    """Whether nothing but callbacks may have told of it; a cheap question, asked before the database is."""
    return not task.confirmed and (not task.terminal or task.status is TaskStatus.DEAD)


class Gate:
    """Judges the callbacks of one batch, one after the other.

    `known` are the tasks that exist, `unproven` those of them that nobody but callbacks told of.
    """

    def __init__(
        self, known: Mapping[str, TaskState], spent: Mapping[str, Spent], *, unproven: Collection[str], rules: Rules
    ) -> None:
        self._owners = {task_id: state.task.token_id for task_id, state in known.items()}
        self._spent = dict(spent)
        self._unproven = set(unproven)
        self._rules = rules

    def judge(self, token: CallbackToken, event: TaskEvent | None, size: int) -> Admission:
        """The next callback; `event` is None where it cannot be read."""
        spent = self._spent.get(token.id, NOTHING_SPENT)
        admission = self._stray(spent, size) if event is None else self._readable(token, event, size, spent)
        self._spent[token.id] = spent + admission.cost
        return admission

    def _readable(self, token: CallbackToken, event: TaskEvent, size: int, spent: Spent) -> Admission:
        task_id = event.task_id
        owner, new = self._owners.get(task_id), task_id not in self._owners
        verdict = judge(owner=owner, token_id=token.id, minted_for=token.task_id, task_id=task_id)
        admission = self._named(event, verdict, size, spent) if new else self._added(task_id, size, spent)
        if verdict is Verdict.FOREIGN and admission.keep is not Keep.NOTHING:
            stray = self._stray(spent, size)
            admission = Admission(stray.keep, admission.cost + stray.cost, admission.names)
        if admission.keep is Keep.NOTHING:
            return _REFUSED
        if admission.names:
            self._owners[task_id] = None
        if verdict is Verdict.ACCEPTED:
            self._owners[task_id] = owner or token.id
        return admission

    def _stray(self, spent: Spent, size: int) -> Admission:
        keep = keep_stray(spent, size)
        return Admission(keep, cost_of_stray(keep, size))

    def _named(self, event: TaskEvent, verdict: Verdict, size: int, spent: Spent) -> Admission:
        """A callback of a task that is not known: what it says makes it one that waits, or one that ends here."""
        believed = verdict is Verdict.ACCEPTED and self._rules.mode is ConfirmMode.OFF
        if not believed and not self._rules.can_ask:
            return Admission(Keep.WHOLE)  # no task comes of it
        waits = not (believed and event.status.terminal)
        if waits and not may_name(spent):
            return _REFUSED
        if not waits:
            return Admission(Keep.WHOLE, names=True)
        self._unproven.add(event.task_id)
        return Admission(Keep.WHOLE, cost_of_naming(size), names=True)

    def _added(self, task_id: str, size: int, spent: Spent) -> Admission:
        if task_id not in self._unproven:
            return Admission(Keep.WHOLE)
        return Admission(Keep.WHOLE, Spent(unproven=room(size))) if may_add(spent) else _REFUSED

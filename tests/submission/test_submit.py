"""Submitting: kept before it is sent, sent once, and what became of it is known afterwards whatever the answer."""

import asyncio
import json

import pytest

from service.domain.budget import Budget, Period
from service.domain.history import Effect
from service.domain.submission import SubmissionStatus
from service.domain.task import Origin, TaskStatus
from service.provider.submitting import Sent
from service.submission.booking import book
from service.submission.outcome import Client, Reason, Submitted
from tests.submission.sending import (
    BETA_IMAGE,
    CLIENT,
    KEYED,
    LOST,
    NOT_SENT,
    PRICES,
    PUBLIC_URL,
    accepted,
    declined,
    desk,
    request,
)
from tests.support.ledger import Ledger, found, known

LABELLED = Client("team", None, "order-7", {"project": "lamp", "ä": "ö"})


async def test_the_task_is_told_of_with_what_was_asked_for(ledger: Ledger) -> None:
    house = desk(ledger)
    wanted = request("ein Leuchtturm 🗼", model="gpt-image-2", size="16:9", n=3, note={"x": [1]})
    submitted = await house.taken(wanted, LABELLED)
    task = await ledger.task(submitted.task_id)
    assert (task.prompt, task.model, task.ref, task.tags) == (
        "ein Leuchtturm 🗼",
        "gpt-image-2",
        "order-7",
        {"project": "lamp", "ä": "ö"},
    )
    assert task.parameters == {"size": "16:9", "n": 3, "note": {"x": [1]}}
    assert (task.submitted_by, task.token_id, task.status) == ("team", house.token().id, TaskStatus.PENDING)
    assert task.estimate is not None
    assert task.check.at is not None, "nobody would miss it"
    [entry] = await ledger.history(submitted.task_id)
    assert (entry.origin, entry.effect) == (Origin.SUBMISSION, Effect.TOLD)


async def test_the_clients_answer_is_the_providers_as_it_came(ledger: Ledger) -> None:
    submitted = await desk(ledger).taken()
    assert (submitted.body, submitted.status) == (accepted("task-0001").body, 200)


async def test_the_provider_gets_what_was_asked_for_with_a_callback_url_of_ours(ledger: Ledger) -> None:
    house = desk(ledger)
    await house.taken(request(size="1:1", callback_url="https://client.example.com/hook?x=1"), LABELLED)
    [(sent, key)] = house.provider.sent
    asked = {"model": "gpt-image-2-beta", "prompt": "a lighthouse", "size": "1:1"}
    assert sent == {**asked, "callback_url": sent["callback_url"]}
    assert sent["callback_url"].startswith(f"{PUBLIC_URL}/callbacks/evolink/")
    assert (house.token().ref, house.token().tags) == ("order-7", LABELLED.tags)
    one = await house.only()
    assert one.id in key
    assert one.callback_url == "https://client.example.com/hook?x=1"


async def test_labels_that_no_url_has_room_for_are_kept_all_the_same(ledger: Ledger) -> None:
    house = desk(ledger)
    many = Client("team", None, "r" * 200, {f"{'n' * 190}{number}": "v" * 500 for number in range(32)})
    submitted = await house.taken(client=many)
    task = await ledger.task(submitted.task_id)
    assert (task.ref, task.tags) == (many.ref, many.tags)
    assert len(house.provider.sent[0][0]["callback_url"]) <= 2048


async def test_it_is_durable_with_its_callback_url_before_it_is_sent(ledger: Ledger) -> None:
    house = desk(ledger)
    seen = []

    async def look() -> None:
        known = await ledger.catalog.read(lambda tx: tx.tokens.known([house.token().id]))
        seen.append((await house.only(), house.token().id in known, await house.reserved()))

    house.provider.before = look
    await house.taken()
    [(kept, token_is_known, reserved)] = seen
    assert (kept.status, kept.token_id, token_is_known) == (SubmissionStatus.SENDING, house.token().id, True)
    assert json.loads(kept.request) == {"model": "gpt-image-2-beta", "prompt": "a lighthouse"}
    assert reserved == BETA_IMAGE


async def test_a_callback_that_comes_before_the_answer_belongs_to_the_same_task(ledger: Ledger) -> None:
    house = desk(ledger)

    async def call_back() -> None:
        await ledger.call_back({"id": "task-0001", "status": "processing"}, through=house.token())

    house.provider.before = call_back
    await house.taken(client=LABELLED)
    task = await ledger.task("task-0001")
    assert (task.prompt, task.token_id, task.ref) == ("a lighthouse", house.token().id, "order-7")


@pytest.mark.parametrize("status", [400, 402, 403, 429, 500])
async def test_what_the_provider_refuses_is_told_in_its_own_words_and_costs_nothing(
    ledger: Ledger, status: int
) -> None:
    house = desk(ledger)
    house.provider.always(declined(status))
    rejected = await house.rejected()
    assert (rejected.reason, rejected.status, rejected.body) == (Reason.DECLINED, status, declined(status).body)
    assert (await house.only()).status is SubmissionStatus.REFUSED
    assert await house.reserved() == 0


async def test_what_was_not_sent_costs_nothing(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(NOT_SENT)
    rejected = await house.rejected()
    assert (rejected.reason, rejected.retry_after) == (Reason.NOT_SENT, 1.0)
    assert (await house.only()).status is SubmissionStatus.UNSENT
    assert await house.reserved() == 0


async def test_what_may_have_arrived_stays_held_back(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(LOST)
    rejected = await house.rejected()
    assert (rejected.reason, rejected.retry_after) == (Reason.UNCLEAR, 5.0)
    assert (await house.only()).status is SubmissionStatus.UNCLEAR
    assert await house.reserved() == BETA_IMAGE


async def test_the_same_idempotency_key_gets_the_same_answer_and_nothing_is_sent(ledger: Ledger) -> None:
    house = desk(ledger)
    first = await house.taken(client=KEYED)
    again = await house.taken(client=KEYED)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.task_id, again.body) == (first.task_id, first.body)
    assert len(house.provider.sent) == 1


async def test_one_that_was_used_for_another_request_is_refused(ledger: Ledger) -> None:
    house = desk(ledger)
    await house.taken(client=KEYED)
    for other in (request("another"), request(callback_url="https://client.example.com/hook")):
        rejected = await house.rejected(other, KEYED)
        assert (rejected.reason, rejected.param) == (Reason.KEY_REUSED, "Idempotency-Key")
    assert len(house.provider.sent) == 1


async def test_two_clients_may_have_the_same_idempotency_key(ledger: Ledger) -> None:
    house = desk(ledger)
    await house.taken(client=KEYED)
    await house.taken(request("another"), Client("other team", KEYED.idempotency_key, None, {}))
    keys = [key for _, key in house.provider.sent]
    assert len(set(keys)) == 2, "the provider would take them for one"


@pytest.mark.parametrize("sent", [declined(429), declined(400), NOT_SENT])
async def test_what_cost_nothing_may_be_sent_again(ledger: Ledger, sent: Sent) -> None:
    house = desk(ledger)
    house.provider.always(sent)
    await house.rejected(client=KEYED)
    house.provider.answer = None
    submitted = await house.taken(client=KEYED)
    assert not submitted.replayed
    [first, second] = house.provider.sent
    assert (first == second) == (sent is NOT_SENT), "one that never arrived is the same, a refused one another"
    assert (first[1] == second[1]) == (sent is NOT_SENT)
    one = await house.only()
    assert (one.status, one.attempts) == (SubmissionStatus.TAKEN, 2)
    assert await house.reserved() == BETA_IMAGE


async def test_a_callback_url_that_has_become_too_long_is_not_used_again(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(NOT_SENT)
    many = Client("team", KEYED.idempotency_key, None, {f"{'n' * 100}{number}": "v" * 100 for number in range(5)})
    await house.rejected(client=many)
    moved = desk(ledger, public_url=f"https://{'d' * 60}.example.com/{'p' * 400}")
    await moved.taken(client=many)
    assert len(moved.provider.sent[0][0]["callback_url"]) <= 2048


async def test_one_task_for_two_submissions_gives_back_what_both_had_reserved(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(accepted("task-0001"))
    await house.taken(request("one"))
    await house.taken(request("two"))
    await ledger.answer(found(task_id="task-0001", usage={"credits_used": 1.02}), "task-0001")
    for _ in range(3):
        await ledger.catalog.write(lambda tx: book(tx, known(tx, "task-0001"), PRICES))
    assert await house.reserved() == 0


async def test_whoever_is_gone_before_the_answer_gets_it_by_asking_again(ledger: Ledger) -> None:
    house = desk(ledger)
    first = await house.submit()
    assert isinstance(first, Submitted)
    await house.submitter.not_received(first)
    again = await house.taken()
    assert (again.task_id, again.replayed, len(house.provider.sent)) == (first.task_id, True, 1)


async def test_a_revoked_callback_url_is_not_used_again(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(NOT_SENT)
    await house.rejected(client=KEYED)
    first = house.token()
    await ledger.catalog.write(lambda tx: tx.tokens.revoke(first.id, tx.now))
    await house.rejected(client=KEYED)
    assert house.token().id != first.id


@pytest.mark.parametrize("client", [KEYED, CLIENT])
async def test_what_may_have_arrived_is_not_sent_again(ledger: Ledger, client: Client) -> None:
    house = desk(ledger)
    house.provider.always(LOST)
    await house.rejected(client=client)
    house.provider.answer = None
    assert (await house.rejected(client=client)).reason is Reason.UNCLEAR
    assert len(house.provider.sent) == 1
    assert await house.reserved() == BETA_IMAGE, "it was held back twice"


async def test_without_an_idempotency_key_only_the_very_same_request_of_the_same_client_waits(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(LOST)
    await house.rejected()
    house.provider.answer = None
    await house.taken(request("another"))
    await house.taken(client=Client("other team", None, None, {}))
    ledger.clock.move(hours=1, seconds=1)
    await house.taken()
    assert len(house.provider.sent) == 4


async def test_the_same_request_under_way_is_another_one_where_no_key_says_otherwise(ledger: Ledger) -> None:
    house, gate = desk(ledger), asyncio.Event()
    house.provider.before = gate.wait
    both = [asyncio.create_task(house.submit()) for _ in range(2)]
    while len(house.provider.sent) < 2:
        await asyncio.sleep(0.01)
    gate.set()
    first, second = await asyncio.gather(*both)
    assert isinstance(first, Submitted)
    assert isinstance(second, Submitted)
    assert len(await house.all()) == 2


async def test_an_answer_that_its_client_surely_did_not_get_is_for_the_same_request_again(ledger: Ledger) -> None:
    house = desk(ledger)
    first = await house.submit()
    assert isinstance(first, Submitted)
    another = await house.taken()
    assert not another.replayed, "the first may still be on its way to its client"
    await ledger.catalog.write(lambda tx: tx.submissions.forget_claims())  # the process that sent it is gone
    again = await house.taken()
    assert (again.replayed, again.task_id, again.body) == (True, first.task_id, first.body)
    assert not (await house.taken()).replayed
    assert len(house.provider.sent) == 3


async def test_what_a_dead_process_was_sending_is_not_sent_again_by_the_same_request(ledger: Ledger) -> None:
    house = desk(ledger)

    class GoneError(Exception):
        """The process is gone."""

    async def die() -> None:
        raise GoneError

    house.provider.before = die
    with pytest.raises(GoneError):
        await house.submit()
    house.provider.before = None
    await ledger.catalog.write(lambda tx: tx.submissions.forget_claims())
    assert (await house.rejected()).reason is Reason.UNCLEAR, "nobody has looked for its task yet"
    assert len(house.provider.sent) == 1


async def test_under_one_key_the_second_waits_for_the_first(ledger: Ledger) -> None:
    house, gate = desk(ledger), asyncio.Event()
    house.provider.before = gate.wait
    first = asyncio.create_task(house.submit(client=KEYED))
    while not house.provider.sent:
        await asyncio.sleep(0.01)
    assert (await house.rejected(client=KEYED)).reason is Reason.UNCLEAR
    gate.set()
    await first
    assert (await house.taken(client=KEYED)).replayed
    assert len(house.provider.sent) == 1


async def test_a_client_that_hangs_up_cancels_nothing(ledger: Ledger) -> None:
    house, gate = desk(ledger), asyncio.Event()
    house.provider.before = gate.wait
    waiting = asyncio.create_task(house.submit(client=KEYED))
    while not house.provider.sent:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    await house.submitter.stop(5)
    assert (await house.only()).status is SubmissionStatus.TAKEN
    assert (await house.taken(client=KEYED)).replayed


async def test_a_hard_stop_keeps_it_from_being_sent_or_kept(ledger: Ledger) -> None:
    house = desk(ledger, Budget("team", "key:team", Period.DAY, stop=2 * BETA_IMAGE))
    await house.taken()
    await house.taken(request("another"))
    rejected = await house.rejected(request("a third"))
    assert rejected.reason is Reason.OVER_BUDGET
    assert "team" in rejected.message
    assert len(house.provider.sent) == len(await house.all()) == 2
    await house.taken(request("a third"), Client("other team", None, None, {}))


async def test_a_soft_one_only_warns(ledger: Ledger) -> None:
    house = desk(ledger, Budget("lamp", "tag:project=lamp", Period.MONTH, warn=2 * BETA_IMAGE))
    assert (await house.taken(request("one"), LABELLED)).budgets == ()
    [warning] = (await house.taken(request("two"), LABELLED)).budgets
    assert "lamp" in warning
    assert (await house.taken(request("three"))).budgets == ()


async def test_what_cost_nothing_is_given_back_to_its_budget(ledger: Ledger) -> None:
    house = desk(ledger, Budget("team", "key:team", Period.DAY, stop=BETA_IMAGE))
    house.provider.always(declined())
    for _ in range(3):
        assert (await house.rejected()).reason is Reason.DECLINED


async def test_where_nobody_can_call_us_it_is_submitted_without_a_callback_url(ledger: Ledger) -> None:
    house = desk(ledger, public_url="http://localhost:8080")
    refused = declined(400, code="invalid_parameters", param="callback_url", message="must be HTTPS")
    house.provider.answer = lambda sent: refused if "callback_url" in sent else accepted("task-0001")
    submitted = await house.taken()
    assert submitted.task_id == "task-0001"
    assert [("callback_url" in sent) for sent, _ in house.provider.sent] == [True, False]
    first, second = (key for _, key in house.provider.sent)
    assert first != second, "it is another request, to the provider"


async def test_a_public_url_that_the_provider_refuses_is_told_to_the_client(ledger: Ledger) -> None:
    house = desk(ledger)
    house.provider.always(declined(400, param="callback_url"))
    assert (await house.rejected()).reason is Reason.DECLINED
    assert len(house.provider.sent) == 1


async def test_every_outcome_is_told(ledger: Ledger) -> None:
    house = desk(ledger)
    await house.taken()
    house.provider.always(LOST)
    await house.rejected(request("another"))
    assert len(house.outcomes) == 2

"""Looking for the tasks of submissions whose answers were lost: what is found, what never arrived, what waits."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from service.bootstrap.notify import follow_up
from service.catalog.submissions import SENDING_LEASE
from service.domain.history import Effect
from service.domain.submission import SubmissionStatus
from service.provider.reading import Listed, Listing, Unreachable
from service.submission.outcome import Client, Reason
from service.submission.price_list import load_prices
from service.submission.record import adopt_late, record
from tests.submission.sending import BETA_IMAGE, CLIENT, KEYED, LOST, Desk, accepted, desk, request
from tests.support.fake_provider import entry
from tests.support.ledger import CONFIRMING, Ledger, found, known

TASK = "task-unified-0001"


async def lost(house: Desk, prompt: str = "a lighthouse", client: Client = CLIENT) -> None:
    """A request whose answer does not come."""
    house.provider.always(LOST)
    assert (await house.rejected(request(prompt), client)).reason is Reason.UNCLEAR
    house.provider.answer = None


async def status(house: Desk) -> SubmissionStatus:
    return (await house.only()).status


async def test_its_callback_brings_the_task_once_the_provider_vouches_for_it(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=replace(KEYED, ref="order-7"))
    await ledger.call_back({"id": TASK, "status": "completed"}, through=house.token())
    ledger.clock.move(seconds=5)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR, "whoever knows the URL could have said so"
    await ledger.answer(found(task_id=TASK), TASK)
    ledger.clock.move(seconds=30)
    await house.finder.look()
    assert (await house.only()).task_id == TASK
    task = await ledger.task(TASK)
    assert (task.prompt, task.ref, task.submitted_by) == ("a lighthouse", "order-7", "team")
    assert Effect.TOLD in {entry.effect for entry in await ledger.history(TASK)}
    assert house.told[-1] is SubmissionStatus.FOUND


async def test_the_same_request_gets_what_was_found_once_where_no_key_says_which(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    await ledger.call_back({"id": TASK, "status": "completed"}, through=house.token())
    await ledger.answer(found(task_id=TASK), TASK)
    ledger.clock.move(seconds=30)
    await house.finder.look()
    submitted = await house.taken()
    assert (submitted.task_id, submitted.replayed) == (TASK, True)
    assert f'"id": "{TASK}"'.encode() in submitted.body
    assert not (await house.taken()).replayed, "this one is asked for anew"


async def test_under_a_key_it_is_always_the_same_answer(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    house.provider.shows((TASK, ledger.clock.now))
    ledger.clock.move(seconds=2)
    await house.finder.look()
    answers = [await house.taken(client=KEYED) for _ in range(3)]
    assert {one.task_id for one in answers} == {TASK}
    assert len({one.body for one in answers}) == 1
    assert len(house.provider.sent) == 1


async def test_a_callback_of_another_url_brings_nothing(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    await ledger.call_back({"id": TASK, "status": "completed"})
    await ledger.answer(found(task_id=TASK), TASK)
    ledger.clock.move(seconds=30)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR


async def test_the_account_shows_the_only_task_that_it_can_be(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    house.provider.shows((TASK, ledger.clock.now))
    ledger.clock.move(seconds=2)
    await house.finder.look()
    assert (await house.only()).task_id == TASK
    assert (await ledger.task(TASK)).prompt == "a lighthouse"


async def test_a_task_that_the_sweep_took_up_already_is_found_too(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    await ledger.see(entry(TASK, ledger.clock.now))
    house.provider.shows((TASK, ledger.clock.now))
    ledger.clock.move(seconds=2)
    await house.finder.look()
    task = await ledger.task(TASK)
    assert (task.prompt, task.stranger) == ("a lighthouse", False)


async def test_tasks_of_somebody_else_in_the_account_make_nothing_sure(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    now = ledger.clock.now
    house.provider.shows((TASK, now), ("task-unified-0002", now - timedelta(minutes=50)))
    ledger.clock.move(minutes=5)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR


async def test_two_lost_ones_are_not_taken_for_each_other(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, "one")
    await lost(house, "two")
    house.provider.shows((TASK, ledger.clock.now))
    ledger.clock.move(minutes=5)
    await house.finder.look()
    assert {one.status for one in await house.all()} == {SubmissionStatus.UNCLEAR}


async def test_tasks_that_may_be_one_of_several_are_asked_about_at_once_so_that_their_images_are_kept(
    ledger: Ledger,
) -> None:
    house, other = desk(ledger), "task-unified-0002"
    await lost(house, "one")
    await lost(house, "two")
    made_before = ledger.clock.now - timedelta(minutes=50)
    house.provider.shows((TASK, ledger.clock.now), (other, ledger.clock.now), ("task-unified-0003", made_before))
    ledger.clock.move(seconds=2)
    await house.finder.look()
    for task_id in (TASK, other):
        task = await ledger.task(task_id)
        assert (task.prompt, task.stranger, task.check.at) == (None, True, ledger.clock.now)
    assert not await ledger.catalog.read(lambda tx: tx.tasks.load(["task-unified-0003"])), "nobody lost it"


async def test_one_that_is_still_under_way_may_be_the_tasks_own(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)

    async def look_meanwhile() -> None:
        house.provider.shows((TASK, ledger.clock.now))
        ledger.clock.move(seconds=2)
        await house.finder.look()

    house.provider.before = look_meanwhile
    await house.taken(request("another"))
    ours = [one for one in await house.all() if one.task_id is None]
    assert [one.status for one in ours] == [SubmissionStatus.UNCLEAR]


async def test_where_the_account_shows_nothing_for_a_while_it_never_arrived(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    house.provider.shows()
    ledger.clock.move(seconds=60)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR, "it may be on its way"
    ledger.clock.move(seconds=60)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNSENT
    assert await house.reserved() == 0
    assert not (await house.taken(client=KEYED)).replayed


async def test_tasks_that_are_known_are_no_sign_of_it(ledger: Ledger) -> None:
    house = desk(ledger)
    taken = await house.taken(request("known"))
    await lost(house)
    house.provider.shows((taken.task_id, ledger.clock.now))
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert (await house.all())[0].status is SubmissionStatus.UNSENT


async def test_a_task_that_somebody_told_of_may_be_its_own_and_is_not_taken_for_it(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    await ledger.tell(TASK, prompt="another")
    house.provider.shows((TASK, ledger.clock.now))
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR, "it would be sent again, and paid for twice"
    assert (await ledger.task(TASK)).prompt == "another"


async def test_a_task_that_does_not_say_when_it_was_made_keeps_it_open(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    house.provider.shows((TASK, None), ("task-unified-0002", None))
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR


async def test_one_that_was_lost_long_before_is_not_judged_by_a_list_that_does_not_reach_back_to_it(
    ledger: Ledger,
) -> None:
    house = desk(ledger)
    await lost(house, "old")
    while (at := (await house.only()).look_at) is None or at < ledger.clock.now + timedelta(minutes=10):
        ledger.clock.move(minutes=1)
        await house.finder.look()
    await lost(house, "new")
    house.provider.shows()
    ledger.clock.move(minutes=2)
    await house.finder.look()
    new, old = await house.all()
    assert (new.status, old.status) == (SubmissionStatus.UNSENT, SubmissionStatus.UNCLEAR)


async def test_what_was_called_back_waits_for_the_providers_word_however_long_that_takes(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    await ledger.call_back({"id": TASK, "status": "processing"}, through=house.token())
    house.provider.shows()
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR
    assert (await house.rejected(client=KEYED)).reason is Reason.UNCLEAR
    await ledger.answer(found(task_id=TASK), TASK)
    assert (await house.taken(client=KEYED)).task_id == TASK
    assert len(house.provider.sent) == 1


async def test_a_task_that_comes_after_it_was_thought_unsent_is_its_own_and_nothing_is_sent_again(
    ledger: Ledger,
) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    house.provider.shows()
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNSENT
    await ledger.call_back({"id": TASK, "status": "completed"}, through=house.token())
    assert (await house.rejected(client=KEYED)).reason is Reason.UNCLEAR, "the provider has not vouched for it yet"
    await ledger.answer(found(task_id=TASK), TASK)
    submitted = await house.taken(client=KEYED)
    assert (submitted.task_id, submitted.replayed, len(house.provider.sent)) == (TASK, True, 1)


async def test_such_a_task_gets_its_submission_also_where_nobody_asks_again(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    ledger.clock.now += CONFIRMING.horizon + timedelta(minutes=1)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.LOST
    await ledger.call_back({"id": TASK, "status": "completed"}, through=house.token())
    await ledger.catalog.write(lambda tx: adopt_late(tx, known(tx, TASK).task, rules=ledger.rules))
    assert await status(house) is SubmissionStatus.LOST, "a hint is no proof"
    await ledger.answer(found(task_id=TASK), TASK)
    followed = follow_up(load_prices(), ledger.rules)
    await ledger.catalog.write(lambda tx: followed(tx, TASK))
    assert (await house.only()).task_id == TASK
    assert ((await ledger.task(TASK)).prompt, (await ledger.task(TASK)).submitted_by) == ("a lighthouse", "team")
    spent = await ledger.catalog.read(lambda tx: tx.spending.spent("key:team", date.min, date.max))
    assert spent.tasks == 1, "in the same transaction it counts as that key's"


async def test_a_clock_that_was_ahead_keeps_nobody_waiting_for_its_date(ledger: Ledger) -> None:
    house, now = desk(ledger), ledger.clock.now
    ledger.clock.move(days=400)
    await lost(house)
    ledger.clock.now = now
    await ledger.catalog.write(lambda tx: tx.submissions.pull_in(tx.now))
    house.provider.shows()
    for _ in range(4):
        ledger.clock.move(minutes=1)
        await house.finder.look()
    assert await status(house) is SubmissionStatus.UNSENT


async def test_a_list_that_cannot_be_read_says_nothing(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    pages: list[Listing] = [
        Listed((entry("task-unified-0002", ledger.clock.now),), more=True),
        Unreachable("no answer"),
    ]
    house.provider.page = lambda page: pages[page - 1]
    ledger.clock.move(minutes=3)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR
    assert house.provider.asked == 2


async def test_after_the_horizon_it_is_given_up_and_says_so(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    ledger.clock.now += CONFIRMING.horizon + timedelta(minutes=1)
    await house.finder.look()
    assert await status(house) is SubmissionStatus.LOST
    assert (await house.only()).reserved == BETA_IMAGE, "it may be paid for"
    assert (await house.rejected(client=KEYED)).reason is Reason.LOST
    assert len(house.provider.sent) == 1, "it may be paid for"


async def test_a_process_that_died_leaves_what_may_have_arrived(ledger: Ledger) -> None:
    house = desk(ledger)
    await dying(house)
    assert await status(house) is SubmissionStatus.SENDING
    await house.finder.look()
    assert await status(house) is SubmissionStatus.SENDING, "its lease is not over"
    ledger.clock.now += SENDING_LEASE
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR


async def test_at_a_start_that_is_known_at_once_where_nobody_else_can_be_alive(ledger: Ledger) -> None:
    house = desk(ledger)
    await dying(house)
    await ledger.catalog.write(lambda tx: tx.submissions.forget_claims())
    await house.finder.look()
    assert await status(house) is SubmissionStatus.UNCLEAR


async def test_an_answer_that_comes_late_counts_whatever_was_thought(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    house.provider.shows()
    ledger.clock.move(minutes=3)
    await house.finder.look()
    one = await house.only()
    assert one.status is SubmissionStatus.UNSENT
    sent = accepted(TASK)
    await ledger.catalog.write(
        partial(record, submission_id=one.id, attempt=one.attempts, sent=sent, rules=ledger.rules)
    )
    assert (await house.only()).status is SubmissionStatus.TAKEN
    assert (await ledger.task(TASK)).prompt == "a lighthouse"


async def test_a_late_refusal_of_an_earlier_attempt_does_not(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house, client=KEYED)
    one = await house.only()
    await ledger.catalog.write(
        partial(record, submission_id=one.id, attempt=one.attempts - 1, sent=LOST, rules=ledger.rules)
    )
    assert await house.only() == one


async def test_nobody_is_asked_while_nothing_is_lost(ledger: Ledger) -> None:
    house = desk(ledger)
    await house.taken()
    ledger.clock.move(hours=1)
    await house.finder.look()
    assert house.provider.asked == 0


async def test_it_looks_less_and_less_often(ledger: Ledger) -> None:
    house = desk(ledger)
    await lost(house)
    for _ in range(6 * 60 * 60 // 10):
        ledger.clock.move(seconds=10)
        await house.finder.look()
    assert 10 < house.provider.asked < 40


async def dying(house: Desk) -> None:
    """A process that ends while it sends: nothing of the answer is recorded."""

    class GoneError(Exception):
        """The process is gone."""

    async def die() -> None:
        raise GoneError

    house.provider.before = die
    try:
        await house.submit(client=KEYED)
    except GoneError:
        house.provider.before = None

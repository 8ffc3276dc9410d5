"""What becomes of the links of a completed task, read by read and request by request."""

from collections.abc import Iterable
from itertools import pairwise

import pytest

from service.domain.link import identity
from service.simulator.chance import Chance
from service.simulator.links import read_links, refusal
from service.simulator.tasks import Task
from tests.simulator.making import an_ended_task

CHANCE = Chance(7)


def struck(*kinds: str, n: int = 3) -> Task:
    return an_ended_task(prompt="a fox" + "".join(f"[fault:{kind}]" for kind in kinds), n=n)


def urls(task: Task) -> list[str]:
    """As callbacks give them."""
    return [image.url for image in task.images]


def identities(links: Iterable[str]) -> list[str]:
    return [identity(link) for link in links]


def follow(task: Task, link: str) -> int | None:
    """Ask for a link; the status it is refused with."""
    (image,) = [image for image in task.images if identity(link) in identities((image.url, image.moved_url))]
    path, _, query = link.removeprefix(image.origin).partition("?")
    return refusal(task, image, path=path, signed=query.startswith("sig="))


def test_without_faults_every_read_gives_the_links_of_the_callback_and_they_work() -> None:
    task = struck()
    assert [read_links(task, CHANCE) for _ in range(3)] == [urls(task)] * 3
    assert [follow(task, link) for link in urls(task)] == [None] * 3


@pytest.mark.parametrize("n", [2, 3, 10])
def test_reordered_links_come_in_another_order_than_the_last_time(n: int) -> None:
    task = struck("reorder-links", n=n)
    reads = [urls(task), *(read_links(task, CHANCE) for _ in range(5))]
    assert all(sorted(links) == sorted(urls(task)) for links in reads)
    assert all(one != next_one for one, next_one in pairwise(reads))


def test_signed_anew_a_link_has_another_query_each_time_and_the_same_identity() -> None:
    task = struck("resigned")
    reads = [read_links(task, CHANCE) for _ in range(4)]
    assert all(identities(links) == identities(urls(task)) for links in reads)
    assert len({link for links in reads for link in links}) == 12
    assert [follow(task, link) for links in (*reads, urls(task)) for link in links] == [None] * 15


def test_one_link_is_missing_in_the_first_read_only() -> None:
    task = struck("one-link-behind")
    first, second, third = (read_links(task, CHANCE) for _ in range(3))
    assert len(first) == 2
    assert set(first) < set(urls(task))
    assert second == third == urls(task)
    assert read_links(struck("one-link-behind", n=1), CHANCE) == []


def test_links_that_die_early_stay_dead_until_the_task_is_read_after_a_refusal() -> None:
    task = struck("dies-early", n=2)
    assert read_links(task, CHANCE) == urls(task)
    assert [follow(task, urls(task)[0]) for _ in range(2)] == [403, 403]
    fresh = read_links(task, CHANCE)
    assert identities(fresh) == identities(urls(task))
    assert [follow(task, link) for link in fresh] == [None, None]
    assert [follow(task, link) for link in urls(task)] == [403, 403]
    assert [image.refused for image in task.images] == [3, 1]


def test_a_signature_of_before_the_refusal_does_not_revive_a_link() -> None:
    task = struck("dies-early", "resigned", n=1)
    (early,) = read_links(task, CHANCE)
    assert follow(task, early) == 403


def test_images_that_move_are_missing_until_the_task_is_read_and_then_are_elsewhere() -> None:
    task = struck("moved", n=2)
    assert read_links(task, CHANCE) == urls(task)
    assert follow(task, task.images[0].moved_url) == 404
    assert [follow(task, link) for link in urls(task)] == [404, 404]
    fresh = read_links(task, CHANCE)
    assert not set(identities(fresh)) & set(identities(urls(task)))
    assert [follow(task, link) for link in fresh] == [None, None]
    assert [follow(task, link) for link in urls(task)] == [404, 404]
    assert read_links(task, CHANCE) == fresh


def test_moved_and_signed_a_link_needs_both() -> None:
    task = struck("moved", "dies-early", n=1)
    assert follow(task, task.images[0].url) == 404
    (fresh,) = read_links(task, CHANCE)
    assert follow(task, fresh) is None
    assert follow(task, task.images[0].moved_url) == 403


def test_what_reads_give_follows_from_the_seed() -> None:
    every = ("reorder-links", "resigned", "dies-early", "moved", "one-link-behind")
    one, other = struck(*every), struck(*every)
    assert [read_links(one, CHANCE) for _ in range(4)] == [read_links(other, CHANCE) for _ in range(4)]

from service.simulator.api_error import ApiError
from service.simulator.tasks import Task
from tests.simulator.making import NOW, a_book, a_submission, a_task


def test_ids_and_images_follow_from_seed_and_submission_whatever_the_order() -> None:
    prompts = ["a fox", "a hen", "a fox", "a cow"]
    forward, backward = a_book(), a_book()
    for prompt in prompts:
        a_task(forward, prompt=prompt, callback_url="https://localhost/1")
    for prompt in reversed(prompts):
        a_task(backward, prompt=prompt, callback_url="https://localhost/2")
    assert {task.id: task.images for task in forward} == {task.id: task.images for task in backward}
    assert len({task.id for task in forward}) == 4


def test_another_seed_makes_other_ids() -> None:
    assert a_task(a_book(seed=1)).id != a_task(a_book(seed=2)).id


def test_an_image_is_found_by_its_exact_path_only() -> None:
    book = a_book()
    task = a_task(book)
    (image,) = task.images
    assert book.image(image.path) == (task, image)
    assert book.image(image.path.replace("/images/", "/other/")) is None
    assert book.image(image.picture.file_name) is None


def test_an_image_that_moves_is_found_at_both_its_paths() -> None:
    book = a_book()
    task = a_task(book, prompt="[fault:moved]")
    (image,) = task.images
    assert book.image(image.path) == book.image(image.moved_path) == (task, image)
    assert image.moved_path.rpartition("/")[0] == image.path.rpartition("/")[0]
    (other,) = a_task(book).images
    assert book.image(other.moved_path) is None


def test_pages_are_newest_first_and_of_the_wanted_tasks() -> None:
    book = a_book()
    tasks = [a_task(book, prompt=f"fox {number}") for number in range(5)]
    tasks[1].ended_at = tasks[3].ended_at = NOW
    assert book.newest(wanted=lambda _task: True, skip=1, limit=2) == [tasks[3], tasks[2]]
    assert book.newest(wanted=lambda task: task.finished, skip=0, limit=9) == [tasks[3], tasks[1]]


def test_a_full_book_forgets_its_oldest_finished_task_with_all_that_belongs_to_it() -> None:
    book = a_book(max_tasks=2)
    first = book.add(a_submission(prompt="[fault:moved]"), idempotency_key="key")
    assert isinstance(first, Task)
    first.ended_at = NOW
    a_task(book)
    a_task(book)
    assert (len(book), book.forgotten) == (2, 1)
    assert book.get(first.id) is None
    assert book.image(first.images[0].path) is book.image(first.images[0].moved_path) is None
    assert book.replayed("key", first.submission) is None


def test_a_full_book_of_unfinished_tasks_takes_no_more() -> None:
    book = a_book(max_tasks=1)
    a_task(book)
    refused = book.add(a_submission(), idempotency_key=None)
    assert isinstance(refused, ApiError)
    assert (refused.status, refused.code) == (429, "resource_exhausted")

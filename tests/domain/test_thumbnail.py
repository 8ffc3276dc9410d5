"""Names of thumbnails, there and back."""

import pytest

from service.domain.thumbnail import RECIPE, SIZES, pictured, thumbnail_key, thumbnails_of

IMAGE = "evolink/2026/05/01/task-1/12-0123456789ab.jpg"


def test_a_dot_in_the_id_of_a_task_belongs_to_it() -> None:
    key = thumbnail_key("evolink/2026/05/01/task.1.2/0-0123456789ab.png", 256)
    assert key == f"thumbnails/evolink/2026/05/01/task.1.2/0-0123456789ab-256-v{RECIPE}.webp"


@pytest.mark.parametrize("size", SIZES)
def test_a_thumbnails_name_says_which_image_it_shows(size: int) -> None:
    key = thumbnail_key(IMAGE, size)
    assert key == f"thumbnails/evolink/2026/05/01/task-1/12-0123456789ab-{size}-v{RECIPE}.webp"
    place = pictured(key)
    assert place is not None
    assert (place.task_id, place.index, place.folder) == ("task-1", 12, "evolink/2026/05/01/task-1")
    assert key.startswith(thumbnails_of(place.folder, 12))
    assert not key.startswith(thumbnails_of(place.folder, 1))


@pytest.mark.parametrize(
    "key",
    [
        IMAGE,
        "evolink/2026/05/01/task-1/task.json",
        "thumbnails",
        f"thumbnails/{IMAGE}",
        "thumbnails/notes.txt",
        "thumbnails/evolink/2026/05/01/task-1/task.json-256-v1.webp",
        "thumbnails/evolink/2026/05/01/task-1/0-0123456789ab-256.webp",
        "thumbnails/evolink/2026/05/01/task-1/0-0123456789ab-256-v1.png",
        "thumbnails/evolink/2026/05/01/!/0-0123456789ab-256-v1.webp",
        "other/thumbnails/evolink/2026/05/01/task-1/0-0123456789ab-256-v1.webp",
    ],
)
def test_other_names_are_no_thumbnails(key: str) -> None:
    assert pictured(key) is None

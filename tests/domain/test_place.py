"""What a name in the store says, and that names which say nothing are nobody's."""

from datetime import date

import pytest

from service.domain.image import ImageFormat
from service.domain.object_key import asset_key, sidecar_key
from service.domain.place import place_of

DAY = date(2026, 5, 1)
HOME = "evolink/2026/05/01/task-1"


@pytest.mark.parametrize("image_format", ImageFormat)
def test_the_name_of_an_image_says_its_task_and_its_number(image_format: ImageFormat) -> None:
    place = place_of(asset_key("evolink", DAY, "task-1", 12, "ab" * 32, image_format))
    assert place is not None
    assert (place.folder, place.task_id, place.index, place.is_sidecar) == (HOME, "task-1", 12, False)


def test_the_name_of_a_sidecar_says_its_task() -> None:
    place = place_of(sidecar_key("evolink", DAY, "task-1"))
    assert place is not None
    assert (place.folder, place.task_id, place.index, place.is_sidecar) == (HOME, "task-1", None, True)


@pytest.mark.parametrize(
    "name", ["01-abcdefabcdef.png", "1-abcdefabcde.png", "1-ABCDEFABCDEF.png", "1-abcdefabcdef.gif"]
)
def test_other_names_in_a_folder_are_no_image(name: str) -> None:
    place = place_of(f"{HOME}/{name}")
    assert place is not None
    assert (place.index, place.is_sidecar) == (None, False)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "task.json",
        HOME,
        f"{HOME}/below/task.json",
        f"prefix/{HOME}/task.json",
        "evolink/2026/5/1/task-1/task.json",
        "evolink/2026/05/01/abc/task.json",
        "evolink/2026/05/01/../task.json",
        "../2026/05/01/task-1/task.json",
        "evolink/٢٠٢٦/05/01/task-1/task.json",
    ],
)
def test_what_no_task_has_there_is_no_place(key: str) -> None:
    assert place_of(key) is None

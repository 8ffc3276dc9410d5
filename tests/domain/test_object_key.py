"""Names of stored bytes."""

from datetime import date

import pytest

from service.domain.image import ImageFormat
from service.domain.object_key import asset_key, is_task_id, sidecar_key

DAY = date(2026, 5, 1)


def test_a_key_follows_from_the_bytes() -> None:
    key = asset_key("evolink", DAY, "task-unified-1", 2, "abcdef0123456789", ImageFormat.JPEG)
    assert key == "evolink/2026/05/01/task-unified-1/2-abcdef012345.jpg"
    assert sidecar_key("evolink", DAY, "task-unified-1") == "evolink/2026/05/01/task-unified-1/task.json"


@pytest.mark.parametrize("text", ["task-unified-1756-abc", "a.b:c_d-e", "x" * 128, "1234"])
def test_ids_that_the_provider_may_give_are_taken(text: str) -> None:
    assert is_task_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "x" * 129, "../../etc", "a/bcd", ".hidden", "-rf-x", "abc\n", "abcd\x00", "日本語日本", "a b c d"],
)
def test_ids_that_could_leave_their_folder_are_not(text: str) -> None:
    assert not is_task_id(text)
    with pytest.raises(ValueError, match=r"^a task id that cannot be a folder name$"):
        sidecar_key("evolink", DAY, text)

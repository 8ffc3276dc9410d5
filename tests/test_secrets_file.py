"""A secret is made once, for its owner's eyes, and never half-written or overwritten."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.secrets_file import read_or_generate


def test_a_secret_is_made_once_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "data" / "api-key"
    first = read_or_generate(path, prefix="dk_")
    again = read_or_generate(path, prefix="dk_")
    assert (first.new, again.new) == (True, False)
    assert first.text == again.text
    assert first.text.startswith("dk_")
    assert len(first.text) > 40


def test_only_its_owner_can_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    read_or_generate(tmp_path / "secret")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert read_or_generate(tmp_path / "a").text != read_or_generate(tmp_path / "b").text


def test_of_many_at_once_one_wins_and_all_have_its_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: read_or_generate(tmp_path / "secret"), range(64)))
    assert len({one.text for one in made}) == 1
    assert sum(one.new for one in made) == 1


def test_a_secret_that_the_operator_wrote_is_taken_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine\n")
    assert read_or_generate(tmp_path / "secret").text == "mine"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff"])
def test_a_file_without_a_secret_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SettingsError, match="secret"):
        read_or_generate(tmp_path / "secret")
    assert (tmp_path / "secret").read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told_with_the_variable(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SettingsError, match="DARKROOM_DATA_DIR"):
        read_or_generate(tmp_path / "data" / "secret")

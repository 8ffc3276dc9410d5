"""What the page of the API shows of an answer that was tried: as much as a page can hold, and never a whole archive."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import program, require

SCRIPT = Path(__file__).parents[2] / "service" / "web" / "static" / "docs.js"
RUN = Path(__file__).parent / "try_it.js"

LINES = '{"id":"a"}\n{"next":null,"count":1}\n'


@pytest.fixture(autouse=True)
def _node(request: pytest.FixtureRequest) -> None:
    require(request, {"node": "nodejs"})


def tried(media: str, body: str, *, status: int = 200, more: str | None = None, **headers: str) -> dict[str, Any]:
    """What is shown, whether the answer's body was cancelled, and how many blocks were taken of it.

    After the body `more` comes again and again.
    """
    named = {"content-type": media, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = {"status": status, "headers": named, "body": body, **({} if more is None else {"more": more})}
    command = [program("node"), str(RUN), str(SCRIPT), json.dumps(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.mark.parametrize("media", ["application/json", "application/problem+json; charset=utf-8"])
def test_json_is_laid_out(media: str) -> None:
    assert '{\n  "id": "a"\n}' in tried(media, '{"id":"a"}')["said"]


def test_text_is_shown_as_it_is() -> None:
    assert "up 1\n" in tried("text/plain; charset=utf-8", "up 1\n")["said"]


def test_lines_of_json_are_not_taken_for_json() -> None:
    shown = tried("application/x-ndjson", LINES)
    assert "No answer" not in shown["said"]
    assert "content-type: application/x-ndjson" in shown["said"]


@pytest.mark.parametrize("media", ["application/zip", "application/x-ndjson", "text/csv", "image/png"])
def test_of_what_is_for_a_file_only_headers_are_shown(media: str) -> None:
    shown = tried(media, "a", more="b" * 1000, content_disposition='attachment; filename="darkroom.zip"')
    assert shown["cancelled"]
    assert shown["blocks"] < 10
    assert "200" in shown["said"]
    assert 'content-disposition: attachment; filename="darkroom.zip"' in shown["said"]
    assert "for a file" in shown["said"]


def test_what_is_no_text_is_not_read_either() -> None:
    shown = tried("application/octet-stream", "a", more="b" * 1000)
    assert (shown["cancelled"], shown["blocks"] < 10) == (True, True)


def test_a_redirect_to_the_store_is_told_and_not_followed() -> None:
    shown = tried("", "", status=307)
    assert "No answer" not in shown["said"]
    assert "The store itself gives this" in shown["said"]

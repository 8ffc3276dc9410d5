"""Lines and rows of an export: what a spreadsheet would reckon, what a reader of lines would split, and back again."""

import csv
import io
import json

import pytest

from service.upkeep.export_text import IMAGE_COLUMNS, TASK_COLUMNS, csv_row, formula_safe, json_line
from service.web.answers.assets import AssetDocument
from service.web.answers.tasks import TaskDocument

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\u3000+1",
    "\ufeff=1",
    "\u200b@x",
    "\u202e=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "=cmd|' /C calc'!A0",
    '"=1"',
    'a",=1,"b',
    "'=1",
    "''",
    "\x00=1",
]
HARMLESS = ["", "a lighthouse", "a=b", "1-2", '"quoted"', "日落", "a\r\nb", "#tag", "\u200b", "   "]


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_a_cell_begins_no_formula_and_can_be_read_back(text: str) -> None:
    [[cell]] = csv.reader(io.StringIO(csv_row([text]).decode(), newline=""))
    visible = cell.lstrip(" \t\r\n\u00a0\u3000\ufeff\u200b\u202e\x00")
    assert not visible.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert cell.removeprefix("'") == text
    assert (cell == text) == (text not in HOSTILE or text == '"=1"' or text == 'a",=1,"b')


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert formula_safe(text) == text


OF_ITS_TASK = {"source", "model", "ref", "tags", "prompt", "received_at"}


@pytest.mark.parametrize(
    ("columns", "document", "besides"),
    [(IMAGE_COLUMNS, AssetDocument, OF_ITS_TASK), (TASK_COLUMNS, TaskDocument, set[str]())],
)
def test_a_table_has_a_column_for_all_that_lists_tell(
    columns: tuple[str, ...], document: type, besides: set[str]
) -> None:
    assert set(columns) == document.__annotations__.keys() | besides | {"cursor"}
    assert len(set(columns)) == len(columns)
    assert columns[-1] == "cursor"


def test_a_row_is_rfc_4180() -> None:
    row = csv_row([None, True, 3, -1.5, 'a "b", c\nd', ["x"], {"team": "é"}])
    assert row == ',true,3,-1.5,"a ""b"", c\nd","[""x""]","{""team"":""é""}"\r\n'.encode()


def test_a_line_is_one_for_every_reader() -> None:
    document = {"prompt": "a\nb\u2028c\u2029d\x85e\x0bf\x1cg 日落 \U0001f305"}
    line = json_line(document)
    assert line.decode().splitlines(keepends=True) == [line.decode()]
    assert json.loads(line) == document
    assert "日落".encode() in line

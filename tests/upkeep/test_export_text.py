"""Lines and rows of an export: what a spreadsheet would reckon, what a reader of lines would split, and back again."""

import csv
import io
import json
import re

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
    "'=1",
    "''",
    "\x00=1",
]
ELSEWHERE = [
    "x;=1+1",
    "x\t=1",
    "x\n=1",
    "x\r\n@y",
    "a; -1",
    "x;'=1",
    "'';'",
    "\n\n=1",
    ";\u200b+1",
    "a\n- b\n- c",
    'x;"=1+1;y',
]
HARMLESS = [
    "",
    "a; b",
    "a\tb",
    "a;b=c",
    "a lighthouse",
    "a=b",
    "1-2",
    '"quoted"',
    "日落",
    "a\r\nb",
    "#tag",
    'a",=1,"b',
    "\u200b",
    "   ",
]


UNSEEN = '" \u00a0\u3000\ufeff\u200b\u202e\x00'
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def read_back(cell: str) -> str:
    """As README says it: one `'` less where a text, a line, or what follows a `;` or a tab begins."""
    return re.sub(r"(\A|[;\t\r\n])'", r"\1", cell)


@pytest.mark.parametrize("text", [*HOSTILE, *ELSEWHERE, *HARMLESS])
def test_a_cell_begins_no_formula_and_can_be_read_back(text: str) -> None:
    [[_, cell]] = csv.reader(io.StringIO(csv_row(["id", text]).decode(), newline=""))
    assert read_back(cell) == text
    assert (cell == text) == (text not in [*HOSTILE, *ELSEWHERE])


@pytest.mark.parametrize("value", [*HOSTILE, *ELSEWHERE, ["x;=1+1"], {"a;=1": "b\t=1;@x"}])
def test_no_formula_begins_where_a_semicolon_or_a_tab_separates_and_quotes_do_not_count(value: object) -> None:
    """As a spreadsheet splits a row whose commas are none to it: a quote after one does not begin a quoted cell."""
    row = csv_row(["id", value]).decode()
    for cell in re.split(r"[;\t\r\n]", row):
        assert not cell.lstrip(UNSEEN).startswith(FORMULAS), row


@pytest.mark.parametrize("text", ["a;b", "a\tb"])
def test_what_separates_elsewhere_is_quoted(text: str) -> None:
    assert csv_row(["id", text]).decode() == f'id,"{text}"\r\n'


def test_a_map_means_the_same_without_a_semicolon() -> None:
    value = {"a;=1": ["b;c", "\\;"]}
    [[cell]] = csv.reader(io.StringIO(csv_row([value]).decode(), newline=""))
    assert ";" not in cell
    assert json.loads(cell) == value


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

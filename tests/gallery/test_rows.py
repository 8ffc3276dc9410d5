"""Rows of pictures: every picture stands in one, whole rows fill the width, and no picture loses its shape."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.packages import program, require

SCRIPT = Path(__file__).parents[2] / "service" / "web" / "static" / "rows.js"
RUN = """
const { rows, rowsBefore, firstBelow } = await import(process.argv[1]);
let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(({ ratios, given, looks }) => {
  if ("to" in given) return rowsBefore(ratios, given);
  const laid = rows(ratios, given);
  return { ...laid, below: (looks ?? []).map((y) => firstBelow(laid.rows, y)) };
})));
"""
GAP, HEIGHT = 6.0, 220.0


@pytest.fixture(scope="module", autouse=True)
def _node(request: pytest.FixtureRequest) -> None:
    require(request, {"node": "nodejs"})


def laid_out(*asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the script makes of each of these."""
    command = [program("node"), "--input-type=module", "--eval", RUN, SCRIPT.as_uri()]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def wish(ratios: list[float], *, width: float = 1000, **more: Any) -> dict[str, Any]:
    return {"ratios": ratios, "given": {"width": width, "height": HEIGHT, "gap": GAP, **more}}


@settings(max_examples=10)
@given(
    walls=st.lists(
        st.tuples(st.lists(st.floats(0.01, 100), max_size=60), st.floats(90, 4000)), min_size=20, max_size=40
    )
)
def test_whole_rows_fill_the_width_and_every_picture_stands_in_one(walls: list[tuple[list[float], float]]) -> None:
    for (ratios, width), laid in zip(
        walls, laid_out(*(wish(ratios, width=width) for ratios, width in walls)), strict=True
    ):
        top, begin = 0.0, 0
        for row in laid["rows"]:
            assert row["from"] == begin
            assert row["top"] == pytest.approx(top)
            filled = sum(row["widths"]) + GAP * (len(row["widths"]) - 1)
            assert filled == pytest.approx(width) or (row is laid["rows"][-1] and filled < width)
            shapes = [min(4.0, max(0.25, ratio)) for ratio in ratios[row["from"] : row["to"]]]
            assert [one / row["height"] for one in row["widths"]] == pytest.approx(shapes)
            top, begin = top + row["height"] + GAP, row["to"]
        assert (begin, laid["next"]) == (len(ratios), len(ratios))
        assert laid["top"] == pytest.approx(top)


def test_a_row_that_is_not_full_waits_for_what_follows_and_ends_up_the_same() -> None:
    ratios = [1.5, 0.7, 1.0, 2.2, 0.4, 1.0, 1.0, 3.0, 1.2]
    [whole, begun] = laid_out(wish(ratios), wish(ratios[:5], whole=False))
    assert begun["next"] < 5
    [rest] = laid_out(wish(ratios, **{"from": begun["next"]}, top=begun["top"]))
    assert begun["rows"] + rest["rows"] == whole["rows"]


def test_rows_that_are_put_before_others_end_where_those_begin_and_what_fills_none_waits() -> None:
    ratios = [0.9, 1.5, 0.7, 1.0, 2.2, 0.4, 1.0, 1.0, 3.0, 1.2]
    [laid, later] = laid_out(wish(ratios, to=9), wish(ratios, to=2))
    assert (laid["rows"][-1]["to"], laid["rows"][0]["from"] > 0) == (9, True)
    assert later == {"rows": [], "height": 0}
    top = 0.0
    for row in laid["rows"]:
        assert row["top"] == pytest.approx(top)
        assert [one / row["height"] for one in row["widths"]] == pytest.approx(ratios[row["from"] : row["to"]])
        assert sum(row["widths"]) + GAP * (len(row["widths"]) - 1) == pytest.approx(1000)
        top += row["height"] + GAP
    assert [row["from"] for row in laid["rows"][1:]] == [row["to"] for row in laid["rows"][:-1]]
    assert laid["height"] == pytest.approx(top)


def test_the_first_row_that_is_seen_is_found_wherever_one_looks() -> None:
    [laid] = laid_out({**wish([1.0] * 100), "looks": [-500, 0, 1, 500, 2000, 10**6]})
    ends = [row["top"] + row["height"] for row in laid["rows"]]
    expected = [sum(end < y for end in ends) for y in (-500, 0, 1, 500, 2000, 10**6)]
    assert laid["below"] == expected

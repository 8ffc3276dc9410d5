"""The files of the pages: kept for ever under the address that pages give, asked about under any other."""

import re

import pytest

from service.web.static_files import FOR_EVER
from tests.support.app import House, assert_problem
from tests.support.pages import Markup

IMPORTED = re.compile(r'from "\./([a-z_]+\.js[^"]*)"')


async def test_what_a_page_loads_is_kept_for_ever_and_runs_once(house: House) -> None:
    """Under two addresses a script would be fetched and run twice."""
    loaded = {one for one in Markup((await house.anyone.get("/login")).text).loaded if one.startswith("/static/")}
    loaded |= {f"/static/{name}" for name in await imported(house, "/static/wall.js")}
    assert len(loaded) > 5
    names = [one.partition("?")[0] for one in loaded]
    assert len(set(names)) == len(names)
    for address in loaded:
        answer = await house.anyone.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, FOR_EVER)
        assert answer.headers["x-content-type-options"] == "nosniff"


async def imported(house: House, address: str) -> set[str]:
    """The scripts that a script needs, as it and they name them."""
    found = set(IMPORTED.findall((await house.anyone.get(address)).text))
    for name in set(found):
        found |= await imported(house, f"/static/{name}")
    return found


@pytest.mark.parametrize("address", ["/static/wall.js", "/static/gallery.css?v=000000000000", "/static/mark.svg"])
async def test_under_another_address_a_file_is_asked_about_each_time(house: House, address: str) -> None:
    first = await house.anyone.get(address)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = await house.anyone.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "__init__.py", "wall.js%00", "WALL.JS", "."])
async def test_nothing_else_is_given(house: House, name: str) -> None:
    assert_problem(await house.anyone.get(f"/static/{name}"), 404, "not_found")

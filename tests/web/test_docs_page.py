"""`/openapi.json` and `/docs`: open to everybody, complete, and nothing in them from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from service.web.description.everything import OPERATIONS
from service.web.html import prose, tag
from tests.support.app import PUBLIC_URL, House, assert_problem
from tests.support.described import operation

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Page(HTMLParser):
    """What a page refers to, what can be referred to in it, and whether its elements are closed."""

    VOID = frozenset({"input", "link", "meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.fields: set[str] = set()
        self.labelled: set[str] = set()
        self.inline: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.targets |= {given[name] or "" for name in ("href", "src") if name in given}
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag in ("input", "select"):
            self.fields |= {given["id"] or ""}
            self.labelled |= {given["id"] or ""} if given.get("aria-label") else set()
        self.labelled |= {given.get("for") or ""} if tag == "label" else set()
        self.open += [tag] if tag not in self.VOID else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_document_is_for_machines_and_names_where_the_service_is(empty: House) -> None:
    answer = await empty.anyone.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["servers"] == [{"url": PUBLIC_URL}]
    again = await empty.anyone.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await empty.anyone.head("/openapi.json")).content == b""


@pytest.mark.parametrize(
    ("path", "name"),
    [("/openapi.json", "get_description"), ("/docs", "get_docs"), ("/static/docs.css", "get_static")],
)
async def test_conditions_are_answered_as_they_are_described(empty: House, path: str, name: str) -> None:
    described = operation(name)
    assert {one.name for one in described.headers} == {"If-None-Match", "If-Match"}
    assert_problem(await empty.anyone.get(path, headers={"If-Match": '"another"'}), 412, described.refusals[412][0])
    etag = (await empty.anyone.get(path)).headers["etag"]
    assert (await empty.anyone.get(path, headers={"If-Match": etag})).status_code == 200


async def test_the_page_shows_every_operation_and_leads_nowhere_else(empty: House) -> None:
    answer = await empty.anyone.get("/docs")
    page = Page(answer.text)
    assert {one.id for one in OPERATIONS} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    inside = {target[1:] for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids)
    assert {target for target in page.targets if not target.startswith("#")} == {
        "static/docs.css", "static/docs.js", "openapi.json", "data:,"
    }  # fmt: skip
    assert page.open == []


async def test_nothing_runs_in_the_page_but_our_one_script(empty: House) -> None:
    answer = await empty.anyone.get("/docs")
    rules = answer.headers["content-security-policy"]
    assert rules.startswith("default-src 'none'")
    assert "unsafe" not in rules
    assert Page(answer.text).inline == []
    assert re.findall(r"<script([^>]*)>(.*?)</script>", answer.text) == [(' src="static/docs.js" defer', "")]


async def test_fields_of_the_page_have_labels(empty: House) -> None:
    page = Page((await empty.anyone.get("/docs")).text)
    assert page.fields == page.labelled


@pytest.mark.parametrize(("name", "kind"), [("docs.css", "text/css"), ("docs.js", "text/javascript")])
async def test_what_the_page_is_made_of_comes_with_the_service(empty: House, name: str, kind: str) -> None:
    answer = await empty.anyone.get(f"/static/{name}")
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "http:" not in answer.text
    assert "https:" not in answer.text


@pytest.mark.parametrize("name", ["nothing.css", "..%2f__init__.py", "__init__.py", "docs.css%00"])
async def test_no_other_file_is_given(empty: House, name: str) -> None:
    assert_problem(await empty.anyone.get(f"/static/{name}"), 404, "not_found")


async def test_text_never_becomes_markup() -> None:
    assert tag("p", "<b>", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;</p>'
    assert prose("`<b>` & **<i>**") == "<code>&lt;b&gt;</code> &amp; <strong>&lt;i&gt;</strong>"

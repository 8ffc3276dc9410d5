"""Every page: nothing runs in it but our own files, nobody keeps it, and what others wrote is text."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.app import House, serving
from tests.support.pages import Browser, Markup, browsing

pytestmark = pytest.mark.asyncio(loop_scope="module")

BITES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'></li></ol><svg onload=alert(1)>",
    "</script><style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)//",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\N{ZERO WIDTH SPACE}",
    "&lt;b&gt; & &amp;",
]
HOSTILE = " ".join(BITES)

WHOLE = ["/", "/ops", "/login", "/?size=wrong", "/images/task-a.0", "/images/none"]
PARTS = ["/wall", "/wall/facets", "/images/task-a.0/panel", "/images/task-a.0/sidecar"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hostile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser of an archive in which every text that others write would like to be markup."""
    async with serving(tmp_path_factory.mktemp("hostile"), confirm={"mode": "off"}) as house:
        await fill(house)
        async with browsing(house) as browser:
            yield browser


async def fill(house: House) -> None:
    """A task with two images, one that fails, and one whose image is given up."""
    told = {"prompt": HOSTILE, "ref": HOSTILE[:200], "tags": {f"a{HOSTILE[:20]}": HOSTILE[:100]}}
    for task_id in ("task-a", "task-dead", "task-failed"):
        parameters = {"style": HOSTILE, "seeds": [HOSTILE]}
        answer = await house.write.post("/v1/tasks", json={"id": task_id, "parameters": parameters, **told})
        assert answer.status_code < 300, answer.text
    links = [f"https://files.evolink.ai/a/{number}.png" for number in range(2)]
    await house.complete("task-a", results=links, model=HOSTILE)
    await house.archive()
    await house.complete("task-dead", results=["https://evil.example/x.png"], model=HOSTILE)
    error = {"code": HOSTILE, "message": HOSTILE, "type": HOSTILE}
    await house.call_back({"id": "task-failed", "status": "failed", "error": error})
    await house.call_back(HOSTILE.encode())


@pytest.mark.parametrize("path", WHOLE + PARTS)
async def test_nothing_runs_in_a_page_but_our_own_files_and_nobody_keeps_or_frames_it(
    hostile: Browser, path: str
) -> None:
    answer = await hostile.client.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert {rules[name] for name in ("base-uri", "frame-ancestors")} == {"'none'"}
    assert rules["form-action"] == "'self'", "it has no usual value"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]
    page = Markup(answer.text)
    assert page.inline == []
    assert [address for address in page.loaded if not address.startswith(("/static/", "/v1/assets/", "/images/"))] == []


@pytest.mark.parametrize(
    "path", ["/", "/wall", "/wall?status=dead", "/images/task-a.0", "/images/task-dead.0/panel", "/ops"]
)
async def test_what_others_wrote_is_shown_as_they_wrote_it(hostile: Browser, path: str) -> None:
    page = Markup(await hostile.page(path))
    shown = " ".join(page.said.split())
    assert BITES[0] in shown
    assert page.inline == []
    if path.startswith("/images"):
        assert " ".join(HOSTILE.split()) in shown


async def test_a_search_for_markup_finds_it_and_shows_it_as_text(hostile: Browser) -> None:
    page = Markup(await hostile.page("/", q=BITES[1], tag=f"a{HOSTILE[:20]}:{HOSTILE[:100]}"))
    assert page.inline == []
    assert "x" not in page.loaded
    assert BITES[1] in page.said


async def test_what_cannot_be_text_is_a_page_that_says_so(hostile: Browser) -> None:
    for path in ("/?q=%00", "/?ref=a%00b", "/?q=%ff%fe", "/?tag=%ed%a0%80", "/images/%00", "/images/%ff.0"):
        assert (await hostile.client.get(path)).status_code in (200, 400, 404), path


async def test_the_original_is_shown_as_an_image_and_as_nothing_that_runs(hostile: Browser) -> None:
    answer = await hostile.client.get("/images/task-a.0/original")
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    missing = await hostile.client.get("/images/task-dead.0/original")
    assert missing.status_code == 404

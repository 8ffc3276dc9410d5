"""Whatever the pages say, they say in every language; and which language that is for whom."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import get_type_hints

import pytest

from service.bootstrap.weaknesses import Weakness
from service.catalog.filters import Sort
from service.domain import budget
from service.domain.asset import AssetReason, AssetStatus
from service.domain.callback import Verdict
from service.domain.history import WHY
from service.domain.task import Origin, TaskReason
from service.gallery.texts import LANGUAGES, USUAL, Texts, language_for
from service.gallery.wall import SINCE, UNTIL
from service.provider.reading import HealthState
from service.submission.cost import ChargeBasis
from service.web.answers.callbacks import CallbacksReplayedDocument
from service.web.answers.figures import Unasked
from service.web.answers.tasks import CostBasis
from service.web.inbox import REFUSED
from service.web.narrowing import ASSET_PARAMETERS
from service.web.refused import RefusalReason
from tests.support.app import serving

SERVICE = Path(__file__).parents[2] / "service"
GALLERY = SERVICE / "gallery"
SCRIPTS = SERVICE / "web" / "static"
TRANSLATED = [language for language in LANGUAGES if language != USUAL]

KEYED: Mapping[str, Iterable[str]] = {
    "status": AssetStatus,
    "reason": [*AssetReason, *TaskReason],
    "verdict": (*Verdict, REFUSED),
    "refusal": RefusalReason,
    "origin": Origin,
    "cost": [*ChargeBasis, *CostBasis],
    "filter": [one.name for one in (*ASSET_PARAMETERS, SINCE, UNTIL)],
    "order": Sort,
    "provider": [*HealthState, *Unasked],
    "budget": budget.Verdict,
    "replay": [name for name, kind in get_type_hints(CallbacksReplayedDocument).items() if kind is int],
    "weakness": Weakness,
}
"""What comes out of the data after a first word, as in `t("status " ~ one.status)`."""

SAID_IN_TEMPLATES = re.compile(r"""\bt\((?:(["'])(?P<text>.+?)\1(?P<begins>\s*~)?|(?P<name>[\w.]+)\s*[,)])""")
SAID_IN_SCRIPTS = re.compile(r"""\bt\((?:(["'])(?P<text>.+?)\1(?P<begins>\s*\+)?|(?P<name>[\w.]+)\s*\))""")


def in_python() -> set[str]:
    """The sentences that Python gives to templates."""
    calls = (
        node
        for path in GALLERY.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sentence"
    )
    return {ast.literal_eval(call.args[0]) for call in calls}


NAMED: Mapping[str, Iterable[str]] = {"said": in_python(), "wrong": in_python(), "one.why": WHY.values()}
"""What stands in a variable that a template says, as in `t(said)`."""


def found() -> Iterator[re.Match[str]]:
    for path in sorted((GALLERY / "templates").iterdir()):
        yield from SAID_IN_TEMPLATES.finditer(path.read_text("utf-8"))
    for path in sorted(SCRIPTS.glob("*.js")):
        yield from SAID_IN_SCRIPTS.finditer(path.read_text("utf-8"))


def keyed() -> set[str]:
    """Texts that come out of the data, of the kinds that something says."""
    kinds = {one["text"].strip() for one in found() if one["begins"]}
    assert kinds <= set(KEYED), f"put into KEYED what may follow {sorted(kinds - set(KEYED))}"
    return {f"{kind} {member}" for kind in kinds for member in KEYED[kind]}


def sentences() -> set[str]:
    """Texts that are English themselves."""
    names = {one["name"] for one in found() if one["name"]}
    assert names <= set(NAMED), f"put into NAMED what stands in {sorted(names - set(NAMED))}"
    said = {one["text"] for one in found() if one["text"] and not one["begins"]}
    return said | {text for name in names for text in NAMED[name]}


def known(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((GALLERY / "texts_in" / f"{language}.json").read_text("utf-8"))
    return texts


def english(text: str) -> str:
    return known(USUAL).get(text, text)


def to_paste(texts: Iterable[str]) -> str:
    """Lines for a file of texts, with the English to be put into the other language."""
    return "\n" + "\n".join(json.dumps({text: english(text)}, ensure_ascii=False)[1:-1] + "," for text in sorted(texts))


def braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language_has_every_text(language: str) -> None:
    missing = (keyed() | sentences()) - set(known(language))
    assert not missing, f"\n{language}.json lacks:{to_paste(missing)}"


def test_what_comes_out_of_the_data_has_its_english() -> None:
    missing = keyed() - set(known(USUAL))
    assert not missing, f"\n{USUAL}.json lacks:{to_paste(missing)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_there_that_nothing_says(language: str) -> None:
    said = keyed() if language == USUAL else keyed() | sentences()
    unused = set(known(language)) - said
    assert not unused, f"\n{language}.json has without need:{to_paste(unused)}"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_braces_of_its_english_and_one_form(language: str) -> None:
    texts = known(language)
    assert not [text for text, said in texts.items() if braces(said) != braces(english(text))]
    assert not [text for text, said in texts.items() if "|" in said or not said.strip()]


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_scripts_say_is_given_to_them(language: str) -> None:
    given = Texts(language).for_scripts
    for path in SCRIPTS.glob("*.js"):
        for one in SAID_IN_SCRIPTS.finditer(path.read_text("utf-8")):
            text = one["text"]
            assert text is None or text in given or any(key.startswith(text) for key in given if one["begins"]), text


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 1, "1 image"),
        ("en", 0, "0 images"),
        ("en", 2, "2 images"),
        ("zh", 1, "1 张图片"),
        ("ko", 2, "이미지 2개"),
    ],
)
def test_one_and_several(language: str, number: int, said: str) -> None:
    assert Texts(language)("{n} image|{n} images", n=number) == said


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("zh-TW", "zh"),
        ("ZH-hans-cn", "zh"),
        ("de-DE, de;q=0.9, ja;q=0.5, zh;q=0.6", "zh"),
        ("en;q=0.5 , ja ; q=0.8", "ja"),
        ("ja;q=0.8,zh;q=0.8", "ja"),
        ("ja;q=0, zh;q=0.001", "zh"),
        ("*", "en"),
        ("fr, *;q=0.5", "en"),
        ("*, ko;q=0.3", "ko"),
        ("ja;q=nan, zh;q=0.2", "zh"),
        ("ja;q=inf,ko", "ko"),
        ("ja;q=2, ko;q=0.1", "ko"),
        ("ja;;q=1,,;,=", "en"),
        ("x" * 100_000, "en"),
        ("de," * 200 + "ja", "en"),
    ],
)
def test_the_language_is_the_best_that_a_browser_asks_for(accepted: str, language: str) -> None:
    assert language_for(accepted) == language


@pytest.mark.parametrize(("chosen", "language"), [("ko", "ko"), ("fr", "ja"), ("", "ja"), (None, "ja")])
def test_what_was_chosen_counts_more(chosen: str | None, language: str) -> None:
    assert language_for("ja", chosen) == language


LOG_IN = {"en": "Log in", "zh": "登录", "ja": "ログイン", "ko": "로그인"}


async def test_pages_are_in_the_language_of_the_browser_and_say_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        for language, text in LOG_IN.items():
            page = await house.anyone.get("/login", headers={"Accept-Language": language})
            assert page.headers["content-language"] == language
            assert f'<html lang="{language}">' in page.text
            assert f"<h1>{text}</h1>" in page.text
            assert "Accept-Language" in page.headers["vary"]


async def test_a_language_that_was_chosen_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        chosen = await house.anyone.post("/language", data={"language": "ja", "next": "/login?next=/ops"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/login?next=/ops")
        page = await house.anyone.get("/login", headers={"Accept-Language": "ko"})
        assert '<html lang="ja">' in page.text
        nonsense = await house.anyone.post("/language", data={"language": "xx", "next": "https://elsewhere.example"})
        assert (nonsense.headers["location"], nonsense.headers.get("set-cookie")) == ("/", None)


async def test_what_is_wrong_with_a_key_is_said_in_its_readers_language(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        page = await house.anyone.post("/login", data={"key": "no such key"}, headers={"Accept-Language": "zh-CN"})
        assert (page.status_code, "密钥无效。" in page.text) == (403, True)

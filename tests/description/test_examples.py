"""The examples of the description are what the service answers. With DARKROOM_TEST_RECORD=1 they are recorded anew."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from service.web.description import examples
from service.web.description.examples import EXAMPLES
from tests.description.every_operation import Answers, answers_of
from tests.support.described import faults_of_answer
from tests.system.conftest import Begin, Start
from tests.system.support.settings import list_setting

FILE = Path(examples.__file__).with_name("examples.json")

ENDPOINT = {"name": "shop", "url": "https://127.0.0.1:9/", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
BUDGET = {"name": "shop", "tag": "team=shop", "per": "month", "warn_usd": 80, "stop_usd": 100}

OTHERWISE = (
    (re.compile(r"https://localhost:\d+"), "https://files.evolink.ai"),
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://darkroom.example.com"),
    (re.compile(r'"localhost"'), '"files.evolink.ai"'),
    (re.compile(r"127\.0\.0\.1(:\d+)?"), "203.0.113.7"),
    (re.compile(r"darkroom_[0-9A-Za-z]{43}"), f"darkroom_{'0' * 43}"),
    (re.compile(r"python-httpx/[\d.]+|Darkroom/[\w.]+[^\"]*"), "python-httpx/1"),
)
"""What of a recording belongs to the machine that made it, or looks like a secret."""


@pytest.mark.long
async def test_the_examples_are_what_is_answered(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(
        asks=provider,
        NOTIFY__ENDPOINTS=list_setting(ENDPOINT),
        NOTIFY__TRUSTED_NETWORKS=list_setting("127.0.0.1/32"),
        COST__BUDGETS=list_setting(BUDGET),
    )
    answers = await answers_of(service)
    if os.environ.get("DARKROOM_TEST_RECORD"):
        record(answers)
        return
    for (name, status), body in answers.items():
        assert faults_of_answer(name, status, body) == [], (name, status)
        assert skeleton(EXAMPLES[name, status]) == skeleton(body), (name, status)
    assert answers.keys() == EXAMPLES.keys()


def record(answers: Answers) -> None:
    """Write what was answered as examples; of lists one item is enough."""
    found: dict[str, dict[str, Any]] = {}
    for (name, status), body in sorted(answers.items()):
        found.setdefault(name, {})[str(status)] = shortened(body)
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=False)
    for pattern, instead in OTHERWISE:
        text = pattern.sub(instead, text)
    FILE.write_text(text + "\n", "utf-8")


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shortened(member) for name, member in value.items()}
    return [shortened(one) for one in value[:1]] if isinstance(value, list) else value


def skeleton(body: Any) -> Any:
    """The members of a document, and of the first item of a list."""
    if not isinstance(body, dict):
        return None
    first = body["items"][0].keys() if body.get("items") else None
    return body.keys(), first

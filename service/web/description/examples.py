"""Answers as examples, by operation and status: recorded from the service, see `tests/description/test_examples.py`."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

_FILE = resources.files("service.web.description") / "examples.json"


def _read() -> Mapping[tuple[str, int], Any]:
    recorded = json.loads(_FILE.read_text("utf-8"))
    return {(name, int(status)): body for name, answers in recorded.items() for status, body in answers.items()}


EXAMPLES = _read()

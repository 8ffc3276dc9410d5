"""What the demonstration submits: a few dozen tasks of every kind. The same every time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FAULTS = {
    "duplicate": 0.35,
    "reorder": 0.2,
    "conflict": 0.2,
    "late": 0.1,
    "lost": 0.15,
    "malformed": 0.15,
    "slow": 0.1,
    "truncated": 0.15,
    "html": 0.15,
    "missing": 0.15,
    "partial": 0.1,
}
"""Rates of what goes wrong on the way."""

SEED = 7

_SUBJECTS = (
    "a lighthouse at dusk",
    "日落时的海",
    "an owl made of paper",
    "고양이와 비",
    "a city under glass",
    "美しい庭",
)
_SIZES = ("1:1", "16:9", "9:16", "4:3", "1024x1024", "2:1")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One task to submit: the request for the provider, and the label it gets with us."""

    ref: str
    request: dict[str, Any]


def wanted_tasks(count: int) -> Iterator[Wanted]:
    """`count` submissions: most succeed, with one to four images, some fail, some are cancelled."""
    for number in range(count):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        beta = number % 3 == 0
        request: dict[str, Any] = {
            "model": "gpt-image-2-beta" if beta else "gpt-image-2",
            "prompt": f"{subject}, no. {number + 1}{_ending(number)}",
            "size": _SIZES[number % len(_SIZES)],
        }
        if not beta:
            request |= {"n": 1 + number % 4, "quality": "low"}
        yield Wanted(ref=f"demo-{number + 1:02}", request=request)


def forgery(number: int, provider_url: str) -> dict[str, Any] | None:
    """What somebody who learnt a callback URL claims of its task: another end, or images of his own."""
    if number % 6 == 2:
        return {"status": "completed", "results": [f"{provider_url}/files/forged/{number}.png"]}
    return {"status": "failed", "error": {"code": "service_error"}} if number % 6 == 5 else None


def _ending(number: int) -> str:
    if number % 9 == 4:
        return " [fail]"
    return " [cancel]" if number % 12 == 7 else ""

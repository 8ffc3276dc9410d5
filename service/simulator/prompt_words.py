"""Reserved words in a prompt that decide what happens to its task; the package's docstring lists them."""

import re
from dataclasses import dataclass

from service.simulator.faults import KINDS

FAILURES = {
    "content_policy_violation": "The request was refused by the content policy.",
    "invalid_parameters": "The parameters cannot be used together.",
    "image_processing_error": "An input image could not be processed.",
    "image_dimension_mismatch": "The mask does not have the size of the image.",
    "generation_failed_no_content": "The model produced no image.",
    "service_error": "The service failed.",
    "generation_timeout": "The generation took too long.",
    "resource_exhausted": "No capacity is left at present.",
    "quota_exceeded": "The quota is used up.",
    "service_unavailable": "The service is not available at present.",
    "resource_not_found": "An input could not be found.",
    "unknown_error": "The cause is not known.",
}
"""The provider's business codes for a failed task (an open set), with a message for each."""

_WORD = re.compile(r"\[(fail|cancel|complete|fault)(?::([a-z_-]+))?\]")


@dataclass(frozen=True, slots=True)
class PromptWords:
    """What a prompt asks for; `failure` is a business code."""

    failure: str | None = None
    cancel: bool = False
    complete: bool = False
    faults: frozenset[str] = frozenset()


def read_prompt_words(prompt: str) -> PromptWords | str:
    """The reserved words of a prompt, or why one of them cannot be followed."""
    failure, cancel, complete, faults = None, False, False, set[str]()
    for word, detail in _WORD.findall(prompt):
        if word == "cancel":
            cancel = True
        elif word == "complete":
            complete = True
        elif word == "fail":
            failure = detail or "content_policy_violation"
        else:
            faults.add(detail)
    if failure is not None and failure not in FAILURES:
        return f"[fail:{failure}]: codes are {', '.join(FAILURES)}"
    if unknown := faults - set(KINDS):
        return f"[fault:{min(unknown)}]: kinds are {', '.join(KINDS)}"
    return PromptWords(failure, cancel, complete, frozenset(faults))

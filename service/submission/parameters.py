"""The rules of the parameters, one by one, as the provider documents them. Pure.

A problem is the rest of a sentence that begins with the parameter's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.link import MAX_LINKS
from service.submission.document import shown
from service.submission.sizes import AUTO, RATIOS, Resolution, size_problem
from service.submission.urls import IMAGE_TYPES, MASK_TYPES, image_url_problem

MODEL, BETA = "gpt-image-2", "gpt-image-2-beta"
QUALITIES = ("low", "medium", "high")
LONGEST_PROMPT = 32_000
"""Unicode code points."""

MOST_INPUT_IMAGES = 16

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """In what models differ; a prompt longer than `doubtful_prompt` is taken, with a warning."""

    most_images: int
    quality: bool = True
    mask: bool = True
    doubtful_prompt: int | None = None


OFFERS: Mapping[str, Offer] = {
    MODEL: Offer(most_images=10),
    BETA: Offer(most_images=1, quality=False, mask=False, doubtful_prompt=2000),
}
UNKNOWN = Offer(most_images=MAX_LINKS)
"""What can be made sense of in a request for any other model."""


def problems(fields: Fields, offer: Offer) -> dict[str, str]:
    """What is wrong with each parameter that breaks a rule; those that are fine or not given are left out."""
    found = {name: check(fields, offer) for name, check in _CHECKS.items()}
    return {name: problem for name, problem in found.items() if problem is not None}


def _prompt(fields: Fields, _offer: Offer) -> str | None:
    prompt = fields.get("prompt")
    if prompt is None:
        return "is required"
    if not isinstance(prompt, str):
        return f"must be a string, not {shown(prompt)}"
    if not prompt.strip():
        return "must not be blank"
    if len(prompt) > LONGEST_PROMPT:
        return f"must not exceed {LONGEST_PROMPT} characters; these are {len(prompt)}"
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        return f"must not hold half of a surrogate pair, as it does at character {error.start}"
    return None


def _size(fields: Fields, _offer: Offer) -> str | None:
    size = fields.get("size", AUTO)
    problem = size_problem(size) if isinstance(size, str) else "must be a string"
    return f"{problem}, not {shown(size)}" if problem is not None else None


def _resolution(fields: Fields, _offer: Offer) -> str | None:
    if "resolution" not in fields:
        return None
    if fields["resolution"] not in tuple(Resolution):
        return f"must be one of {' '.join(Resolution)}, not {shown(fields['resolution'])}"
    size = fields.get("size", AUTO)
    return None if size in RATIOS else f"needs a size that is a ratio, not {shown(size)}"


def _quality(fields: Fields, offer: Offer) -> str | None:
    if "quality" not in fields:
        return None
    if not offer.quality:
        return f"is not offered for {fields['model']}"
    if fields["quality"] in QUALITIES:
        return None
    return f"must be one of {' '.join(QUALITIES)}, not {shown(fields['quality'])}"


def _count(fields: Fields, offer: Offer) -> str | None:
    n = fields.get("n", 1)
    if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= offer.most_images:
        return None
    if offer.most_images == 1:
        return f"must be 1 for {fields['model']}, not {shown(n)}"
    return f"must be a whole number from 1 to {offer.most_images}, not {shown(n)}"


def _image_urls(fields: Fields, _offer: Offer) -> str | None:
    if "image_urls" not in fields:
        return None
    urls = fields["image_urls"]
    if not isinstance(urls, list):
        return "must be a list of URLs"
    if not 1 <= len(urls) <= MOST_INPUT_IMAGES:
        return f"must hold 1 to {MOST_INPUT_IMAGES} URLs, not {len(urls)}"
    found = ((place, image_url_problem(url, IMAGE_TYPES)) for place, url in enumerate(urls))
    return next((f"at index {place} {problem}" for place, problem in found if problem is not None), None)


def _mask_url(fields: Fields, offer: Offer) -> str | None:
    if "mask_url" not in fields:
        return None
    if not offer.mask:
        return f"is not offered for {fields['model']}"
    if "image_urls" not in fields:
        return "needs image_urls, to which the mask belongs"
    return image_url_problem(fields["mask_url"], MASK_TYPES)


_CHECKS: Mapping[str, Callable[[Fields, Offer], str | None]] = {
    "prompt": _prompt,
    "size": _size,
    "resolution": _resolution,
    "quality": _quality,
    "n": _count,
    "image_urls": _image_urls,
    "mask_url": _mask_url,
}

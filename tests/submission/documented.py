"""The provider's rules, written a second time from its documentation: what the validator is held against.

Nothing of the service is used here, neither code nor constants.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

RATIOS = ("1:1", "1:2", "2:1", "1:3", "3:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9")
BETA = "gpt-image-2-beta"


def good_edges(width: int, height: int) -> bool:
    """Both multiples of 16, 655,360 to 8,294,400 pixels, edge at most 3840, aspect at most 3:1."""
    stepped = width % 16 == 0 and height % 16 == 0
    pixels = 655_360 <= width * height <= 8_294_400
    return stepped and pixels and width <= 3840 and height <= 3840 and Fraction(1, 3) <= Fraction(width, height) <= 3


def good_size(size: object) -> bool:
    if not isinstance(size, str):
        return False
    if size == "auto" or size in RATIOS:
        return True
    width, times, height = size.partition("x")
    plain = all(edge.isascii() and edge.isdigit() and edge[0] != "0" and len(edge) < 10 for edge in (width, height))
    return bool(times) and plain and good_edges(int(width), int(height))


def broken(fields: Mapping[str, Any]) -> set[str]:
    """The members that break a rule; a rule of two members is told of the one that needs the other."""
    beta = fields["model"] == BETA
    size = fields.get("size", "auto")
    wrong = {
        "prompt": not good_prompt(fields.get("prompt")),
        "size": not good_size(size),
        "resolution": "resolution" in fields
        and (fields["resolution"] not in ("1K", "2K", "4K") or (good_size(size) and size not in RATIOS)),
        "quality": "quality" in fields and (beta or fields["quality"] not in ("low", "medium", "high")),
        "n": not good_count(fields.get("n", 1), 1 if beta else 10),
        "image_urls": "image_urls" in fields and not good_images(fields["image_urls"]),
        "mask_url": "mask_url" in fields
        and (beta or "image_urls" not in fields or not good_url(fields["mask_url"], ("png",))),
        "callback_url": "callback_url" in fields and not good_callback(fields["callback_url"]),
    }
    return {name for name, is_wrong in wrong.items() if is_wrong}


def good_prompt(prompt: object) -> bool:
    """Up to 32,000 Unicode code points, and something in them."""
    if not isinstance(prompt, str) or prompt.isspace() or not prompt:
        return False
    points = [ord(character) for character in prompt]
    return len(points) <= 32_000 and not any(0xD800 <= point <= 0xDFFF for point in points)


def good_count(n: object, most: int) -> bool:
    return type(n) is int and 1 <= n <= most


def good_images(urls: object) -> bool:
    return (
        isinstance(urls, list)
        and 1 <= len(urls) <= 16
        and all(good_url(url, ("jpeg", "jpg", "png", "webp")) for url in urls)
    )


def good_url(url: object, types: tuple[str, ...]) -> bool:
    """Of the URLs that tests make: a web address without credentials whose ending is no other file type."""
    if not isinstance(url, str) or len(url) > 8192:
        return False
    parts = urlsplit(url)
    name = parts.path.split("/")[-1]
    ending = name.split(".")[-1].lower() if "." in name else ""
    right_type = ending in types or ending not in ("jpeg", "jpg", "png", "webp", "gif", "svg", "mp4", "pdf", "tiff")
    return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc and right_type


def good_callback(url: object) -> bool:
    """Of the URLs that tests make: HTTPS, at most 2048 characters, and no internal host among theirs."""
    if not isinstance(url, str) or len(url) > 2048:
        return False
    parts = urlsplit(url)
    public = parts.hostname in ("shop.example", "8.8.8.8", "2606:4700::1111")
    return parts.scheme == "https" and public and "@" not in parts.netloc

"""The document as a page."""

from typing import Any


def page_of(document: Any) -> str:
    return "<!doctype html><title>Darkroom</title>"

"""Whether the service lives, and whether it can take work."""

from typing import Literal

from typing_extensions import TypedDict

from service.web.answers.document import described


@described
class AliveDocument(TypedDict):
    """It answers."""

    status: Literal["alive"]


@described
class ReadinessDocument(TypedDict):
    """Whether it can store durably now, and what is wrong otherwise."""

    status: Literal["ready", "not ready"]
    problems: dict[str, str]
    """What keeps it from that, by part."""
    warnings: dict[str, str]
    """What is wrong without keeping callbacks from being stored, by part."""

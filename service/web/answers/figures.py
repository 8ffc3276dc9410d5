"""Counts and sums: facets and stats."""

from enum import StrEnum

from typing_extensions import TypedDict

from service.domain.budget import Period, Verdict
from service.domain.rules import ConfirmMode
from service.provider.reading import HealthState
from service.web.answers.document import Count, Day, Time, Usd, described


@described
class FacetValueDocument(TypedDict):
    """A value, and how many have it."""

    value: str
    count: Count


@described
class FacetsDocument(TypedDict):
    """How many a filter finds, and how they divide."""

    count: Count
    """Counted up to 10,000."""
    exact: bool
    """False where there are more than were counted."""
    facets: dict[str, list[FacetValueDocument]]
    """The most frequent values by name: of tasks `status`, `model`, `source`, `tag`; of images also `format`, `host`,
    `size`."""


@described
class DeadDocument(TypedDict):
    """What was given up, by reason."""

    tasks: dict[str, Count]
    assets: dict[str, Count]


@described
class ExpiryDocument(TypedDict):
    """The first link that would be lost."""

    at: Time
    seconds: float
    """Until then; negative when it is past."""


@described
class WaitingDocument(TypedDict):
    """What is not settled yet."""

    tasks: Count
    assets: Count
    sidecars: Count
    """Those that do not show their task as it is yet."""
    details: Count
    """Images that nobody has looked at yet."""


@described
class QuestionsDocument(TypedDict):
    """Questions to the provider."""

    planned: Count
    due: Count
    next_at: Time | None


class Unasked(StrEnum):
    """Why this process does not know how the provider treats it."""

    BY_OTHERS = "not asked by this process"
    NO_KEY = "no key"


@described
class TreatmentDocument(TypedDict):
    """How the provider treats this process."""

    state: HealthState | Unasked
    since: Time | None
    detail: str | None
    key_first_worked_at: Time | None


@described
class ProviderDocument(TreatmentDocument):
    """What this process asks the provider, and how it is treated."""

    confirm_mode: ConfirmMode
    questions: QuestionsDocument


@described
class SumsDocument(TypedDict):
    """What was spent."""

    usd: Usd
    tasks: Count
    images: Count


@described
class TotalDocument(SumsDocument):
    """What was spent in all."""

    reserved_usd: Usd
    """Held back for what is under way."""


@described
class DaySumsDocument(SumsDocument):
    """What was spent on one day."""

    day: Day


@described
class BudgetDocument(TypedDict):
    """How a budget stands today."""

    name: str
    subject: str
    """Whose: `all`, `key:NAME` or `tag:NAME=VALUE`."""
    per: Period
    since: Day
    begins_anew: Day
    warn_usd: float | None
    stop_usd: float | None
    spent_usd: Usd
    reserved_usd: Usd
    state: Verdict


@described
class CostsDocument(TypedDict):
    """What was spent in a span of days."""

    since: Day
    until: Day
    total: TotalDocument
    days: list[DaySumsDocument]
    models: dict[str, SumsDocument]
    """The dearest 100, as of keys and tags."""
    keys: dict[str, SumsDocument]
    tags: dict[str, SumsDocument]
    budgets: list[BudgetDocument]


@described
class FiguresDocument(TypedDict):
    """How much there is."""

    tasks: dict[str, Count]
    """By status."""
    assets: dict[str, Count]
    """By status."""
    bytes: Count
    """In the archive."""
    dead: DeadDocument
    unconfirmed: Count
    """Tasks whose end the provider has not told of itself."""
    conflicts: Count


@described
class StatsDocument(FiguresDocument):
    """How much there is, what was given up, what waits, and what it cost."""

    at: Time
    next_expiry: ExpiryDocument | None
    waiting: WaitingDocument
    provider: ProviderDocument
    cost: CostsDocument

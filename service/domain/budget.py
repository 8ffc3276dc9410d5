"""What may be spent, and whether a submission still may. Pure; amounts are nano US dollars, days are UTC."""

from enum import StrEnum


class Period(StrEnum):
    """How long a budget lasts."""

    DAY = "day"
    MONTH = "month"

"""What the wall says while nothing is archived: how the first callback comes here. Pure."""

from dataclasses import dataclass

from service.intake.minting import public_url_warnings


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """`public_url` is where the provider would call."""

    public_url: str

    @property
    def is_callable(self) -> bool:
        """Whether the provider takes callback URLs of this address."""
        return not public_url_warnings(self.public_url)

"""The door as a running service has it, with nobody to be woken."""

from service.background import Nudge
from service.catalog.catalog import Catalog
from service.domain.rules import Rules
from service.intake.accept import Intake
from service.intake.allowance import Allowances
from service.observability import Metrics
from tests.support.deliveries import RULES


def intake_of(
    catalog: Catalog, *, rules: Rules = RULES, metrics: Metrics | None = None, sidecars: Nudge | None = None
) -> Intake:
    """Takes deliveries in once its `run` runs."""
    return Intake(
        catalog=catalog,
        rules=rules,
        archive=Nudge(),
        sidecars=sidecars or Nudge(),
        reconcile=Nudge(),
        metrics=metrics or Metrics(),
        allowances=Allowances(catalog=catalog),
    )
